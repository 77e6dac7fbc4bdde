/** Where to be paid: paste a public descriptor, then compare three addresses with one's own wallet. */

import { h, heading } from "../../ui/dom.js";
import { errorText, t } from "../../ui/words.js";
import { field, problemLine } from "./field.js";

/** @typedef {import("../api.js").Payout} Payout */

/**
 * @param {(descriptor: string, type: string | null) => Promise<void>} check
 */
export function payoutView(check) {
  const descriptor = field(t("sell.payout.field"), h("textarea", { class: "mono", required: true, spellcheck: "false", autocomplete: "off", rows: 4 }));
  const type = field(t("sell.payout.type"), typeSelect());
  const button = h("button", { class: "button primary" }, t("sell.payout.go"));
  const problem = h("div");
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    const text = /** @type {HTMLTextAreaElement} */ (descriptor.input).value.trim();
    await check(text, /** @type {HTMLSelectElement} */ (type.input).value || null).catch((error) => {
      problem.replaceChildren(problemLine(errorText(error)));
      // A private key must not stay on the screen either.
      if (error.code === "private_key_refused") /** @type {HTMLTextAreaElement} */ (descriptor.input).value = "";
    });
    button.disabled = false;
  };
  const head = h("div", { class: "offer-head" }, heading(t("sell.payout.title")), h("p", { class: "soft" }, t("sell.payout.text")));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, descriptor.node, type.node, problem, button));
}

function typeSelect() {
  const types = { "": "sell.payout.type.auto", wpkh: "sell.payout.type.wpkh", tr: "sell.payout.type.tr", "sh(wpkh)": "sell.payout.type.nested" };
  return h("select", {}, ...Object.entries(types).map(([value, key]) => h("option", { value }, t(key))));
}

/**
 * How far the seller's wallet must look: past what is unpaid now, and as far again as wallets usually do.
 * @param {Payout} payout
 */
export const gapText = (payout) => {
  const count = payout.gap_hint + 20;
  return payout.slowed ? `${t("sell.payout.slowed")} ${t("sell.payout.gap", { count })}` : t("sell.payout.gap", { count });
};

/** @param {Payout} payout */
export const addressList = (payout) => h("ol", { class: "addresses" }, ...payout.addresses.map((address) => h("li", {}, address)));

/**
 * @param {Payout} payout
 * @param {{yes: () => void, no: () => void}} act
 */
export function compareView(payout, act) {
  const head = h("div", { class: "offer-head" }, heading(t("sell.payout.compare.title")), h("p", { class: "soft" }, t("sell.payout.compare")));
  const gap = h("p", { class: "notice" }, gapText(payout));
  const yes = h("button", { type: "button", class: "button primary", onclick: act.yes }, t("sell.payout.yes"));
  const no = h("button", { type: "button", class: "button", onclick: act.no }, t("sell.payout.no"));
  return h("div", { class: "card" }, head, addressList(payout), gap, h("div", { class: "stack" }, yes, no));
}
