/** Where to pay: QR code, amount, address or Lightning invoice, and how long the price is held. */

import { qrImage } from "../../qr/qr.js";
import { copyButton } from "../../ui/copy-button.js";
import { h, heading, setText } from "../../ui/dom.js";
import { btcText, countdown, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { payableSat } from "../invoice-terms.js";
import { waysToPay } from "../ways-to-pay.js";
import { lightningLine, wayChoice, webLnButton } from "./lightning-parts.js";
import { accessLinkBox, noteLine, price, questions, stepList } from "./shared-parts.js";

/** @typedef {import("../checkout-state.js").Purchase} Purchase */
/** @typedef {import("../ways-to-pay.js").WaysToPay} WaysToPay */

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{demoPay: (rail: "onchain" | "lightning") => void, askForLightning: () => void, showReceipt: (preimage: string) => void, now: () => number}} act
 * @returns {import("./shared-parts.js").View}
 */
export function invoiceView(state, act) {
  const offer = /** @type {import("../checkout-state.js").Offer} */ (state.offer);
  let purchase = /** @type {Purchase} */ (state.purchase);
  /** @type {"any" | "lightning" | null} */
  let chosen = null;
  const choice = wayChoice((way) => {
    chosen = way;
    showWays();
  });
  const code = qrCode();
  const scan = h("p", { class: "soft" });
  const partial = h("p", { class: "notice warn", hidden: true });
  const [amount, fee, address, invoice] = [amountRow(() => purchase), feeRow(), addressRow(), invoiceRow()];
  const held = h("p", { class: "held" }, h("span"), h("time", { role: "timer" }));
  const [note, steps, back] = [noteLine(), stepList(), accessLinkBox({ folded: true })];
  const [line, actions] = [lightningLine(act), payActions(offer.demo, act)];
  const head = h("div", { class: "offer-head" }, heading(offer.title), scan);
  const facts = h("dl", { class: "pay-facts" }, amount.node, fee.node, address.node, invoice.node);
  const pay = h("div", { class: "stack" }, choice.node, code.node, line.node, facts, actions.node, held, note.node);
  const showWays = () => {
    const ways = waysToPay(purchase, act.now(), chosen, offer.onchainFeeSat);
    setText(scan, t(ways.way === "lightning" ? "invoice.scan.lightning" : "invoice.scan"));
    code.update(ways, purchase);
    facts.hidden = ways.way === null;
    [choice, line, fee, address, invoice, actions].forEach((part) => part.update(ways));
  };
  const showTime = () => {
    const left = purchase.expires_at - act.now();
    setText(held.children[0], t(left > 0 ? "invoice.held" : "invoice.late"));
    setText(held.children[1], left > 0 ? countdown(left) : "");
  };
  const tick = setInterval(() => {
    if (!held.isConnected) return clearInterval(tick);
    showTime();
    showWays();
  }, 1000);
  return {
    node: h("div", { class: "card" }, head, partial, pay, h("hr"), steps.node, questions(back.node)),
    update(next) {
      purchase = next.purchase ?? purchase;
      showPartial(partial, purchase);
      amount.update(purchase);
      [note, steps, back].forEach((part) => part.update(next));
      showTime();
      showWays();
    },
  };
}

/** Drawn here and not by the gateway: it asks for what was checked. */
function qrCode() {
  let shown = "";
  const node = h("div", { class: "qr" });
  return {
    node,
    /**
     * @param {WaysToPay} ways
     * @param {Purchase} purchase
     */
    update({ uri, address }, purchase) {
      node.hidden = uri === "";
      if (uri === shown || uri === "") return;
      node.classList.toggle("dense", uri.length > 200);
      const amount = satText(payableSat(purchase));
      node.replaceChildren(qrImage(uri, address ? t("invoice.qr", { price: amount, address }) : t("invoice.qr.lightning", { price: amount })));
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
  const asked = payableSat(purchase);
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
  const button = copyButton(() => btcText(payableSat(current())), { name: t("copy.amount") });
  const node = h("div", { class: "asked" }, h("dt", {}, t("invoice.amount")), value, h("dd", { class: "act" }, button));
  return {
    node,
    /** @param {Purchase} purchase */
    update(purchase) {
      const asked = payableSat(purchase);
      if (asked === shown) return;
      value.replaceChildren(price(asked));
      shown = asked;
    },
  };
}

/** What the network takes; where the buyer can choose, it stands at the choice. */
function feeRow() {
  const value = h("dd", { class: "fee" });
  const node = h("div", {}, h("dt", {}, t("invoice.fee")), value);
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ canChoose, way, onchainFeeSat: fee }) {
      node.hidden = canChoose || (way === "onchain" && fee === null);
      setText(value, way === "lightning" || fee === null ? t("invoice.fee.wallet") : t("invoice.fee.about", { fee: satText(fee) }));
    },
  };
}

function addressRow() {
  let shown = "";
  const value = h("dd", { class: "mono address" });
  const button = copyButton(() => shown, { name: t("copy.address") });
  const node = h("div", {}, h("dt", {}, t("invoice.address")), value, h("dd", { class: "act" }, button));
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ address }) {
      node.hidden = address === null;
      if (address === null || address === shown) return;
      shown = address;
      // In fours, to compare with what the wallet shows; the gaps are not copied.
      value.replaceChildren(...(address.match(/.{1,4}/g) ?? []).map((four) => h("span", {}, four)));
    },
  };
}

function invoiceRow() {
  let shown = "";
  const value = h("dd", { class: "mono invoice" });
  const button = copyButton(() => shown, { name: t("copy.invoice") });
  const node = h("div", {}, h("dt", {}, t("invoice.lightning")), value, h("dd", { class: "act" }, button));
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ invoice, way }) {
      node.hidden = invoice === null || way !== "lightning";
      shown = invoice ?? "";
      // Nobody compares 300 characters: both ends tell which one it is.
      setText(value, `${shown.slice(0, 16)}…${shown.slice(-8)}`);
    },
  };
}

/**
 * The one next action: the wallet on this device or in this browser, or in a demonstration its demo wallet.
 * @param {boolean} demo
 * @param {{demoPay: (rail: "onchain" | "lightning") => void, showReceipt: (preimage: string) => void}} act
 */
function payActions(demo, act) {
  const wallet = h("a", { class: demo ? "button" : "button primary" }, t("invoice.open"));
  /** @type {"onchain" | "lightning"} */
  let rail = "onchain";
  const demoWallet = h("button", { type: "button", class: "button primary", onclick: () => act.demoPay(rail) }, t("invoice.demo"));
  const webLn = webLnButton(act.showReceipt);
  return {
    node: h("div", { class: "stack" }, demo ? demoWallet : "", wallet, webLn.node),
    /** @param {WaysToPay} ways */
    update(ways) {
      rail = ways.way === "lightning" ? "lightning" : "onchain";
      demoWallet.hidden = wallet.hidden = ways.uri === "";
      wallet.href = ways.uri;
      webLn.update(ways);
    },
  };
}
