/** What waits to be gone on with: a line for each, with the file to choose again. */

import { freshId, h, setText } from "../../ui/dom.js";
import { day, satText, sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { isSameFile } from "../unfinished-sales.js";

/** @typedef {import("../unfinished-sales.js").Unfinished} Unfinished */
/** @typedef {{goOn: (sale: Unfinished, file: File) => void, discard: (sale: Unfinished) => Promise<void>}} UnfinishedActions */

/**
 * @param {Unfinished[]} sales
 * @param {UnfinishedActions} act
 * @returns {HTMLElement | null}
 */
export function unfinishedView(sales, act) {
  if (sales.length === 0) return null;
  const list = h("ul", { class: "listings" }, ...sales.map((sale) => row(sale, act)));
  return h("section", { class: "card no-print" }, h("h2", {}, t("sell.unfinished.title")), list);
}

/**
 * @param {Unfinished} sale
 * @param {UnfinishedActions} act
 */
function row(sale, act) {
  const id = freshId();
  const wrong = h("p", { class: "wrong", role: "alert" });
  const input = h("input", { type: "file", id, class: "visually-hidden" });
  input.onchange = () => {
    const file = input.files?.[0];
    if (!file) return;
    if (isSameFile(sale, file)) act.goOn(sale, file);
    else setText(wrong, t("sell.unfinished.different", { name: sale.name, size: sizeText(sale.size) }));
    input.value = "";
  };
  const { uploaded } = sale;
  const discard = h("button", { type: "button", class: "plain", onclick: () => act.discard(sale) }, t("sell.unfinished.discard"));
  return h(
    "li",
    {},
    h("span", { class: "title" }, sale.title),
    h("span", { class: "small soft" }, t("sell.unfinished.about", { name: sale.name, size: sizeText(sale.size), price: satText(sale.price) })),
    uploaded && h("span", { class: "small soft" }, t("sell.unfinished.uploaded", { percent: Math.floor((100 * uploaded.offset) / uploaded.length), day: day(uploaded.keptUntil) })),
    wrong,
    h("div", { class: "row wrap" }, input, h("label", { for: id, class: "button" }, t("sell.unfinished.choose", { name: sale.name })), discard),
  );
}
