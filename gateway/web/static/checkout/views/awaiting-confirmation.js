/** After paying: what was seen, what the network still does, the download that already runs. */

import { h, heading, setText } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { noteLine, questions, stepList, accessLinkBox } from "./shared-parts.js";

/**
 * @param {import("../checkout-state.js").State} state
 * @returns {import("./shared-parts.js").View}
 */
export function waitingView(state) {
  const title = heading("");
  const line = h("p", { class: "soft" });
  const marks = h("p", { class: "notice", hidden: true });
  const [note, steps, back] = [noteLine(), stepList(), accessLinkBox()];
  return {
    node: h("div", { class: "card" }, h("div", { class: "offer-head" }, title, line), marks, steps.node, note.node, back.node, questions()),
    update(next) {
      const key = headline(next);
      setText(title, t(`${key}.title`));
      setText(line, t(`${key}.text`, { title: next.offer?.title ?? "" }));
      const text = next.purchase ? markText(next.purchase) : "";
      setText(marks, text);
      marks.hidden = text === "";
      [note, steps, back].forEach((part) => part.update(next));
    },
  };
}

/** @param {import("../checkout-state.js").State} state */
function headline({ purchase, downloadedAt }) {
  if (purchase?.state === "invalid") return "undone";
  if (!purchase?.released) return "seen";
  return downloadedAt === null ? "paid" : "opening";
}

/**
 * Out of sight, late, or more than asked: said plainly, since each is alarming when it goes unmentioned.
 * @param {import("../checkout-state.js").Purchase} purchase
 */
export function markText({ marks, received_sat: received, amount_sat: amount }) {
  const late = marks.includes("paid_late") ? t("mark.late") : "";
  const absent = marks.includes("not_in_mempool") ? t("mark.absent") : "";
  const over = marks.includes("paid_over") ? t("mark.over", { over: satText(received - amount) }) : "";
  return [absent, late, over].filter(Boolean).join(" ");
}
