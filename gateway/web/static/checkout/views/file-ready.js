/** The file is here: save it, look at it, keep the access link and the receipt. */

import { h, heading, setText } from "../../ui/dom.js";
import { moment, satText, sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { stepList, accessLinkBox, reportLink } from "./shared-parts.js";
import { openedFigure } from "./file-preview.js";
import { markText } from "./awaiting-confirmation.js";

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{save: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function doneView(state, act) {
  const file = /** @type {import("../checkout-state.js").Opened} */ (state.file);
  const save = file.blob ? h("button", { type: "button", class: "button primary", onclick: act.save }, t("done.save")) : "";
  const look = h("div", { hidden: true });
  openedFigure(file).then((figure) => {
    if (figure) look.replaceChildren(figure);
    look.hidden = figure === null;
  });
  const undone = h("p", { class: "notice warn", hidden: true }, h("strong", {}, `${t("undone.title")}. `), t("undone.text"));
  const marks = h("p", { class: "notice", hidden: true });
  const [steps, back] = [stepList(), accessLinkBox()];
  const text = h("p", { class: "soft" }, t("done.text", { name: file.name, size: sizeText(file.size) }));
  const own = state.embedded ? ownPageLine(state.accessLink ?? "") : "";
  const head = h("div", { class: "offer-head" }, heading(t("done.title")), text);
  return {
    node: h("div", { class: "card" }, head, undone, look, save, own, back.node, marks, receipt(state, steps.node), state.offer && reportLink(state.offer.fileId)),
    update(next) {
      undone.hidden = next.purchase?.state !== "invalid";
      setText(marks, next.purchase ? markText(next.purchase) : "");
      marks.hidden = marks.textContent === "";
      [steps, back].forEach((part) => part.update(next));
    },
  };
}

/**
 * No page is told whether a frame may save: some sites forbid it, and then nothing happens.
 * @param {string} link the access link: storage of the frame's is not the page's
 */
function ownPageLine(link) {
  const open = h("a", { href: link, target: "_blank", rel: "noopener" }, t("done.own.open"));
  return h("p", { class: "small soft" }, t("done.own"), " ", open);
}

/**
 * The receipt carries no secret: it may be shown to anyone.
 * @param {import("../checkout-state.js").State} state
 * @param {HTMLElement} steps
 */
function receipt({ purchase, offer }, steps) {
  if (!purchase || !offer) return h("div", { hidden: true });
  const rows = [
    [t("receipt.what"), offer.title],
    [t("receipt.paid"), satText(purchase.received_sat)],
    [t("receipt.when"), moment(purchase.settled_at ?? purchase.seen_at ?? purchase.created_at)],
    [t("receipt.transaction"), purchase.payments.map(({ reference }) => reference).join(" ")],
  ];
  const list = h("dl", { class: "receipt" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  return h("details", {}, h("summary", {}, t("receipt")), list, steps);
}
