/** The time is up: nothing is lost, whatever the buyer did. */

import { h, heading, setText } from "../../ui/dom.js";
import { clock, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { noteLine, questions, accessLinkBox } from "./shared-parts.js";

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{startAgain: () => void, saysPaid: () => void, payRest: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function expiredView(state, act) {
  const purchase = /** @type {import("../checkout-state.js").Purchase} */ (state.purchase);
  const text = h("p", { class: "soft" });
  const looking = h("p", { class: "notice", hidden: true }, t("expired.looking"));
  const again = h("button", { type: "button", class: "button primary", onclick: act.startAgain }, t("expired.again"));
  const rest = h("button", { type: "button", class: "button primary", onclick: act.payRest });
  const paid = h("button", { type: "button", class: "button", onclick: act.saysPaid }, t("expired.paid"));
  const [note, back] = [noteLine(), accessLinkBox()];
  const head = h("div", { class: "offer-head" }, heading(t("expired.title")), text);
  const actions = h("div", { class: "stack" }, rest, again, paid);
  return {
    node: h("div", { class: "card" }, head, looking, actions, note.node, back.node, questions()),
    update(next) {
      const { received_sat: received, due_sat: due } = next.purchase ?? purchase;
      const partly = received > 0;
      const amounts = { received: satText(received), due: satText(due), time: clock(purchase.expires_at) };
      setText(text, t(partly ? "expired.partly" : "expired.text", amounts));
      setText(rest, t("expired.rest", amounts));
      rest.hidden = !partly;
      again.hidden = partly;
      again.classList.toggle("primary", !next.saysPaid);
      paid.hidden = next.saysPaid;
      looking.hidden = !next.saysPaid;
      [note, back].forEach((part) => part.update(next));
    },
  };
}
