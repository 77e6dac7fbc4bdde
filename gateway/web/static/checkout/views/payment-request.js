/** Where to pay: QR code, amount, address, and how long the price is held. A partial payment changes the code. */

import { qrImage } from "../../qr/qr.js";
import { copyButton } from "../../ui/copy-button.js";
import { h, heading, setText } from "../../ui/dom.js";
import { btcText, countdown, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { onchainRequest, paymentUri } from "../invoice-terms.js";
import { noteLine, price, questions, stepList, accessLinkBox } from "./shared-parts.js";

/** @typedef {import("../checkout-state.js").Purchase} Purchase */

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{demoPay: () => void, now: () => number}} act
 * @returns {import("./shared-parts.js").View}
 */
export function invoiceView(state, act) {
  const offer = /** @type {import("../checkout-state.js").Offer} */ (state.offer);
  let purchase = /** @type {Purchase} */ (state.purchase);
  const code = qrCode();
  const partial = h("p", { class: "notice warn", hidden: true });
  const amount = amountRow(() => purchase);
  const held = h("p", { class: "held" }, h("span"), h("time", { role: "timer" }));
  const [note, steps, back] = [noteLine(), stepList(), accessLinkBox({ folded: true })];
  const actions = payActions(offer.demo, act);
  const head = h("div", { class: "offer-head" }, heading(offer.title), h("p", { class: "soft" }, t("invoice.scan")));
  const facts = h("dl", { class: "pay-facts" }, amount.node, addressRow(onchainRequest(purchase).address));
  const pay = h("div", { class: "stack" }, code.node, facts, actions.node, held, note.node);
  const tick = setInterval(() => showTime(), 1000);
  const showTime = () => {
    if (!held.isConnected) return clearInterval(tick);
    const left = purchase.expires_at - act.now();
    setText(held.children[0], t(left > 0 ? "invoice.held" : "invoice.late"));
    setText(held.children[1], left > 0 ? countdown(left) : "");
  };
  return {
    node: h("div", { class: "card" }, head, partial, pay, h("hr"), steps.node, questions(back.node)),
    update(next) {
      purchase = next.purchase ?? purchase;
      code.update(purchase);
      showPartial(partial, purchase);
      amount.update(purchase);
      actions.update(purchase);
      [note, steps, back].forEach((part) => part.update(next));
      showTime();
    },
  };
}

/** Drawn here and not by the gateway: it asks for what was checked. */
function qrCode() {
  let shown = "";
  const node = h("div", { class: "qr" });
  return {
    node,
    /** @param {Purchase} purchase */
    update(purchase) {
      const request = onchainRequest(purchase);
      const uri = paymentUri(request);
      if (uri === shown) return;
      node.replaceChildren(qrImage(uri, t("invoice.qr", { price: satText(request.payableSat), address: request.address })));
      shown = uri;
    },
  };
}

/**
 * @param {HTMLElement} line
 * @param {Purchase} purchase
 */
function showPartial(line, purchase) {
  const { received_sat: received, due_sat: due } = purchase;
  const asked = onchainRequest(purchase).payableSat;
  line.hidden = due === 0 || (received === 0 && asked === due);
  const sentences = [
    received > 0 && t("invoice.partial", { received: satText(received), due: satText(due) }),
    asked > due && t("invoice.raised", { asked: satText(asked) }),
  ];
  setText(line, line.hidden ? "" : sentences.filter(Boolean).join(" "));
}

/** @param {() => Purchase} current */
function amountRow(current) {
  let shown = 0;
  const value = h("dd");
  const button = copyButton(() => btcText(onchainRequest(current()).payableSat), { name: t("copy.amount") });
  const node = h("div", { class: "asked" }, h("dt", {}, t("invoice.amount")), value, h("dd", { class: "act" }, button));
  return {
    node,
    /** @param {Purchase} purchase */
    update(purchase) {
      const asked = onchainRequest(purchase).payableSat;
      if (asked === shown) return;
      value.replaceChildren(price(asked));
      shown = asked;
    },
  };
}

/** @param {string} address */
function addressRow(address) {
  // In fours, to compare with what the wallet shows; the gaps are not copied.
  const fours = (address.match(/.{1,4}/g) ?? []).map((four) => h("span", {}, four));
  const value = h("dd", { class: "mono address" }, ...fours);
  const button = copyButton(() => address, { name: t("copy.address") });
  return h("div", {}, h("dt", {}, t("invoice.address")), value, h("dd", { class: "act" }, button));
}

/**
 * The one next action: the wallet on this device, or in a demonstration its demo wallet.
 * @param {boolean} demo
 * @param {{demoPay: () => void}} act
 */
function payActions(demo, act) {
  const wallet = h("a", { class: demo ? "button" : "button primary" }, t("invoice.open"));
  const purse = h("button", { type: "button", class: "button primary", onclick: act.demoPay }, t("invoice.demo"));
  return {
    node: h("div", { class: "stack" }, demo ? purse : "", wallet),
    /** @param {Purchase} purchase */
    update(purchase) {
      wallet.href = paymentUri(onchainRequest(purchase));
    },
  };
}
