/** Until when, and how often, a file is sold. */

import { h } from "../../ui/dom.js";
import { dayAndTime } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { fromLocal, parseSales, toLocal } from "../sale-limits.js";
import { field, problemLine } from "./labelled-field.js";

/** @typedef {import("../sale-limits.js").Limits} Limits */

/** Without it a year takes six digits, and whoever types four of them stays in it. */
const LATEST = "9999-12-31T23:59";

/**
 * @param {Limits} now
 * @param {(wanted: Limits) => Promise<void>} save may fail
 */
export function limitForm(now, save) {
  const end = h("input", { type: "datetime-local", max: LATEST, value: toLocal(now.sell_until) });
  const until = field(t("sell.limit.until"), end, t("sell.limit.until.hint"));
  const number = h("input", { inputmode: "numeric", autocomplete: "off", value: now.most_sales ?? "" });
  const most = field(t("sell.limit.most"), number, t("sell.limit.most.hint"));
  const problem = h("div");
  const button = h("button", { class: "button" }, t("sell.limit.save"));
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wanted = { sell_until: end.validity.badInput ? undefined : fromLocal(end.value, now.sell_until), most_sales: parseSales(number.value) };
    until.wrong(wanted.sell_until === undefined ? t("sell.limit.wrong.until") : "");
    most.wrong(wanted.most_sales === undefined ? t("sell.limit.wrong.most") : "");
    if (wanted.sell_until === undefined || wanted.most_sales === undefined) return (wanted.sell_until === undefined ? end : number).focus();
    button.disabled = true;
    await save(/** @type {Limits} */ (wanted)).catch((error) => problem.replaceChildren(problemLine(errorText(error))));
    button.disabled = false;
  };
  const form = h("form", { class: "stack", onsubmit, novalidate: true }, until.node, most.node, problem, button);
  return h("details", {}, h("summary", {}, t("sell.limit.title")), form);
}

/**
 * What is limited, in a line; nothing where nothing is.
 * @param {Limits} limits
 */
export function limitsText({ sell_until: until, most_sales: most }) {
  const parts = [until !== null && t("sell.list.until", { time: dayAndTime(until) }), most !== null && t("sell.list.most", { n: most })];
  return parts.filter(Boolean).join(" · ");
}
