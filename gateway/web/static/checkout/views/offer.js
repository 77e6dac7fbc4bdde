/** Before paying: what it is, a free sample, the price, one button. */

import { h, heading, setText } from "../../ui/dom.js";
import { dayAndTime, satText } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { markdown } from "../../ui/markdown.js";
import { facts, noteLine, price, questions, reportLink } from "./shared-parts.js";
import { previewFigure } from "./file-preview.js";

/** @param {number | null} work nobody knows when it ends: the last percent takes as long as it takes */
const startingText = (work) => (work === null ? t("offer.starting") : t("offer.working", { percent: Math.min(99, Math.floor(100 * work)) }));

/**
 * Until when, and how many more times, it is sold; nothing where the seller set no limit.
 * @param {import("../checkout-state.js").Offer} offer
 */
function limitsLine({ sellUntil, salesLeft }) {
  const parts = [sellUntil !== null && t("offer.until", { time: dayAndTime(sellUntil) }), salesLeft !== null && t("offer.left", { n: salesLeft })];
  const text = parts.filter(Boolean).join(" · ");
  return text ? h("p", { class: "small center" }, text) : "";
}

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{pay: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function offerView(state, act) {
  const offer = /** @type {import("../checkout-state.js").Offer} */ (state.offer);
  const elsewhere = state.embedded && !state.keeps;
  const label = t(elsewhere ? "offer.pay.tab" : "offer.pay", { price: satText(offer.priceSat) });
  const button = h("button", { type: "button", class: "button primary", onclick: act.pay }, label);
  const sample = h("div", { hidden: true });
  const note = noteLine();
  const paused = offer.paused ? h("p", { class: "notice warn" }, errorText({ code: "sales_paused", reason: offer.paused })) : null;
  const seller = offer.contact && h("p", { class: "offer-facts" }, t("offer.contact", { contact: offer.contact }));
  const head = h("div", { class: "offer-head" }, heading(offer.title), facts(offer), seller);
  const direct = h("p", { class: "small soft center" }, t(elsewhere ? "offer.tab" : "offer.direct"));
  const handedOver = h("p", { class: "notice good", role: "status", hidden: true }, t("offer.tab.opened"));
  const action = h("div", { class: "stack" }, ...(paused ? [paused] : [handedOver, limitsLine(offer), button, note.node, direct]));
  return {
    node: h("div", { class: "card" }, head, sample, markdown(offer.description), price(offer.priceSat), action, questions(), reportLink(offer.fileId)),
    update(next) {
      if (next.preview && sample.hidden) sample.replaceChildren(previewFigure(next.preview) ?? "");
      sample.hidden = sample.childElementCount === 0;
      button.disabled = next.starting;
      setText(button, next.starting ? startingText(next.work) : label);
      handedOver.hidden = !next.handedOver;
      button.classList.toggle("primary", !next.handedOver);
      note.update(next);
    },
  };
}
