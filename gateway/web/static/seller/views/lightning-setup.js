/** The Lightning wallet that is asked for invoices: connect it, see how it is, disconnect it. */

import { report } from "../../sealing/errors.js";
import { h, heading } from "../../ui/dom.js";
import { errorText, t } from "../../ui/translations.js";
import { kindOfSecret } from "../detect-secrets.js";
import { field, problemLine } from "./labelled-field.js";

/** @typedef {import("../seller-api.js").WalletConnection} WalletConnection */

/**
 * @param {(connection: string) => Promise<void>} connect
 * @param {{keep?: () => void}} [more] how to leave without a change
 */
export function lightningView(connect, { keep } = {}) {
  const input = h("textarea", { class: "mono", required: true, spellcheck: "false", autocomplete: "off", autocapitalize: "off", rows: 4 });
  const connection = field(t("sell.lightning.field"), input, t("sell.lightning.field.hint"));
  const button = h("button", { class: "button primary" }, t("sell.lightning.go"));
  const answer = h("div", { class: "stack" });
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (kindOfSecret(input.value) !== null) {
      input.value = "";
      return answer.replaceChildren(problemLine(t("sell.payout.secret")));
    }
    button.disabled = true;
    answer.replaceChildren(h("p", { class: "soft", role: "status" }, t("sell.lightning.trying")));
    await connect(input.value.trim()).catch((error) => answer.replaceChildren(problemLine(errorText(report(error)))));
    button.disabled = false;
  };
  const stay = keep && h("button", { type: "button", class: "plain", onclick: keep }, t("sell.payout.keep"));
  const head = h("div", { class: "offer-head" }, heading(t("sell.lightning.title")), h("p", { class: "soft" }, t("sell.lightning.text")));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, connection.node, answer, button, stay));
}

/**
 * The wallet that is asked now, or how to connect one.
 * @param {WalletConnection | null} connection
 * @param {number} now Unix seconds
 * @param {{connect: () => void, disconnect: () => void}} act
 */
export function lightningPart(connection, now, { connect, disconnect }) {
  if (connection === null) return h("button", { type: "button", class: "plain", onclick: connect }, t("sell.lightning.connect"));
  const change = h("button", { type: "button", class: "plain", onclick: connect }, t("sell.lightning.change"));
  const end = h("button", { type: "button", class: "plain", onclick: disconnect }, t("sell.lightning.disconnect"));
  const about = h("p", {}, t("sell.lightning.now", { label: connection.label, kind: t(`sell.lightning.kind.${connection.kind}`) }));
  const row = h("div", { class: "row" }, change, end);
  return h("details", {}, h("summary", {}, t("sell.lightning.summary")), about, h("p", { class: "small soft" }, stateText(connection, now)), row);
}

/**
 * @param {WalletConnection} connection
 * @param {number} now
 */
function stateText({ last_answer: answered, failures }, now) {
  if (failures > 0) return t("sell.lightning.failing");
  return answered === null ? t("sell.lightning.unasked") : t("sell.lightning.answered", { n: Math.max(0, now - answered) });
}
