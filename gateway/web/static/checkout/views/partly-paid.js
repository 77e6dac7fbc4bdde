/** A access link's purchase that is paid in part: what arrived, and the choice to pay the rest. */

import { h, heading, setText } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { payableSat } from "../invoice-terms.js";
import { verdictOn } from "../claim-from-link.js";
import { noteLine, questions } from "./shared-parts.js";

/**
 * @param {import("../checkout-state.js").State} _
 * @param {{payPart: () => void, ownPurchase: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function partView(_, act) {
  const text = h("p", { class: "soft" });
  const notice = h("p", { class: "notice" });
  const rest = h("button", { type: "button", class: "button primary", onclick: act.payPart });
  const own = h("button", { type: "button", class: "button", onclick: act.ownPurchase }, t("part.own"));
  const note = noteLine();
  const head = h("div", { class: "offer-head" }, heading(t("part.title")), text);
  return {
    node: h("div", { class: "card" }, head, notice, h("div", { class: "stack" }, rest, own, note.node), questions()),
    update(next) {
      const part = next.part;
      if (!part) return;
      const waits = verdictOn(part) === "wait";
      setText(text, t("part.text", { received: satText(part.received_sat), amount: satText(part.amount_sat) }));
      setText(notice, t(waits ? "part.wait" : "part.rest.text"));
      setText(rest, t("part.rest", { due: satText(payableSat(part)) }));
      rest.disabled = waits;
      note.update(next);
    },
  };
}
