/** Where to be paid: paste what one's wallet exports, compare three addresses with it, and only then be paid there. */

import { h, heading } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { kindOfSecret } from "../detect-secrets.js";
import { field, problemLine } from "./labelled-field.js";

/** @typedef {import("../seller-api.js").Payout} Payout */
/** @typedef {import("../seller-api.js").PayoutCheck} PayoutCheck */
/** @typedef {import("../../ui/translations.js").Problem & {scriptTypes?: string[]}} Refusal */

/** What wallets call the addresses of each script type. */
const TYPE_WORDS = /** @type {Record<string, string>} */ ({
  wpkh: "sell.payout.type.wpkh",
  tr: "sell.payout.type.tr",
  "sh(wpkh)": "sell.payout.type.nested",
});

/**
 * @param {(descriptor: string, type: string | null) => Promise<void>} check
 * @param {{before?: string, keep?: () => void}} [more] what was pasted before; how to stay with the payout there is
 */
export function payoutView(check, { before = "", keep } = {}) {
  const input = h("textarea", { class: "mono", required: true, spellcheck: "false", autocomplete: "off", autocapitalize: "off", rows: 5 });
  input.value = before;
  const descriptor = field(t("sell.payout.field"), input, t("sell.payout.field.hint"));
  const button = h("button", { class: "button primary" }, t("sell.payout.go"));
  const answer = h("div", { class: "stack" });
  let refused = false;
  const ask = async (/** @type {string | null} */ type) => {
    if (refuseSecret(input, answer)) return;
    button.disabled = true;
    refused = false;
    answer.replaceChildren();
    await check(input.value.trim(), type).catch((error) => {
      answer.replaceChildren(...refusal(error, ask));
      button.hidden = error.reason === "script_type_needed"; // the types are the next thing to press
    });
    button.disabled = false;
  };
  input.addEventListener("input", () => {
    // That a secret was wiped is still to be read when its last letters are typed.
    refused = refuseSecret(input, answer) || refused;
    if (!refused) answer.replaceChildren();
    button.hidden = false;
  });
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    ask(null);
  };
  const stay = keep && h("button", { type: "button", class: "plain", onclick: keep }, t("sell.payout.keep"));
  const head = h("div", { class: "offer-head" }, heading(t("sell.payout.title")), h("p", { class: "soft" }, t("sell.payout.text")));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, descriptor.node, answer, button, stay));
}

/**
 * A private key or seed words leave neither the browser nor the screen as they are.
 * @param {HTMLTextAreaElement} input
 * @param {HTMLElement} answer
 */
function refuseSecret(input, answer) {
  if (kindOfSecret(input.value) === null) return false;
  input.value = "";
  answer.replaceChildren(problemLine(t("sell.payout.secret")));
  return true;
}

/**
 * Why it cannot be used; or, where only the address type is missing, the types to choose from.
 * @param {Refusal} error
 * @param {(type: string) => void} ask
 * @returns {(Node | string)[]}
 */
function refusal(error, ask) {
  if (error.reason !== "script_type_needed") return [problemLine(errorText(error))];
  const types = (error.scriptTypes ?? Object.keys(TYPE_WORDS)).filter((type) => type in TYPE_WORDS);
  const buttons = types.map((type) => h("button", { type: "button", class: "button", onclick: () => ask(type) }, t(TYPE_WORDS[type])));
  return [h("div", { class: "choice", role: "group", "aria-label": t("sell.payout.which") }, h("p", { class: "notice", role: "status" }, t("sell.payout.which")), ...buttons)];
}

/**
 * How far the seller's wallet must look: past what is unpaid now, and as far again as wallets usually do.
 * @param {{gap_hint: number, slowed?: boolean}} payout
 */
export const gapText = (payout) => {
  const count = payout.gap_hint + 20;
  return payout.slowed ? `${t("sell.payout.slowed")} ${t("sell.payout.gap", { count })}` : t("sell.payout.gap", { count });
};

/** @param {{addresses: string[]}} payout */
export const addressList = (payout) => h("ol", { class: "addresses" }, ...payout.addresses.map((address) => h("li", {}, address)));

/**
 * Nothing is changed yet: `yes` does it, and may fail.
 * @param {PayoutCheck} checked
 * @param {{yes: () => Promise<void>, no: () => void, keep?: () => void}} act
 */
export function compareView(checked, { yes, no, keep }) {
  const head = h("div", { class: "offer-head" }, heading(t("sell.payout.compare.title")), h("p", { class: "soft" }, t("sell.payout.compare")));
  const cheap = checked.too_cheap > 0 && h("p", { class: "notice warn" }, t("sell.payout.cheap", { n: checked.too_cheap, min: satText(checked.min_price_sat) }));
  const gap = h("p", { class: "notice" }, gapText({ gap_hint: 0 }));
  const problem = h("div");
  const agree = h("button", { type: "button", class: "button primary" }, t("sell.payout.yes"));
  agree.addEventListener("click", async () => {
    agree.disabled = true;
    await yes().catch((error) => problem.replaceChildren(problemLine(errorText(error))));
    agree.disabled = false;
  });
  const other = h("button", { type: "button", class: "button", onclick: no }, t("sell.payout.no"));
  const stay = keep && h("button", { type: "button", class: "plain", onclick: keep }, t("sell.payout.keep"));
  return h("div", { class: "card" }, head, addressList(checked), cheap, gap, problem, h("div", { class: "stack" }, agree, other, stay));
}
