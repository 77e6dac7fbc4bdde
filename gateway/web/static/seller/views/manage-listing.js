/** A file on sale, and what can be done with it: another price or title, limits, a pause, an end. */

import { h, heading } from "../../ui/dom.js";
import { day } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { changeForm } from "./change-form.js";
import { limitForm, limitsText } from "./limit-form.js";
import { problemLine } from "./labelled-field.js";

/** @typedef {import("../seller-api.js").Listing} Listing */
/** @typedef {import("../change-listing.js").Terms} Terms */
/**
 * @typedef {object} ManageActions all but the last may fail
 * @property {(wanted: Terms) => Promise<void>} save
 * @property {(limits: import("../sale-limits.js").Limits) => Promise<void>} limit
 * @property {(state: Listing["state"]) => Promise<void>} setState
 * @property {() => Promise<void>} remove
 * @property {() => void} back
 */

/**
 * @param {Listing} listing
 * @param {{terms: Terms | null, smallest: number, days: number}} more `terms`: null where this browser does not have the link;
 *   `days` for which buyers may download a deleted file
 * @param {ManageActions} act
 */
export function manageView(listing, { terms, smallest, days }, act) {
  const { state, kept_until: until, taken_down: down } = listing;
  const problem = h("div");
  const run = async (/** @type {Promise<void>} */ work) => work.catch((error) => problem.replaceChildren(problemLine(errorText(error))));
  const change = terms === null ? h("p", { class: "notice" }, t("sell.change.nolink")) : changeForm(terms, smallest, act.save);
  const ends = [
    state === "on_sale" && button("sell.manage.pause", () => run(act.setState("paused"))),
    state === "paused" && button("sell.manage.resume", () => run(act.setState("on_sale"))),
    state !== "withdrawn" && confirmed("sell.manage.withdraw", t("sell.manage.withdraw.text"), () => run(act.setState("withdrawn"))),
    until === null && confirmed("sell.manage.delete", t("sell.manage.delete.text", { n: days }), () => run(act.remove())),
  ];
  return h(
    "div",
    { class: "card" },
    h("div", { class: "offer-head" }, heading(terms?.title ?? t("sell.list.unknown")), limitsLine(listing), stateLine(listing)),
    ...(state === "withdrawn" || down !== null ? [] : [change, limitForm(listing, act.limit)]),
    h("section", { class: "stack" }, problem, ...ends),
    h("button", { type: "button", class: "plain", onclick: act.back }, t("sell.account.back")),
  );
}

/**
 * Whether it is sold; nothing to say where it is.
 * @param {Listing} listing
 */
export function stateLine({ state, kept_until: until, taken_down: down, ended }) {
  if (down !== null) return h("p", { class: "notice bad" }, t("sell.state.down", { reason: down }));
  if (until !== null) return h("p", { class: "notice warn" }, t("sell.state.deleted", { day: day(until) }));
  const stopped = state === "on_sale" ? ended : state;
  return stopped === null ? "" : h("p", { class: "notice warn" }, t(`sell.state.${stopped}`));
}

/**
 * Until when and how often it is sold, if that is limited.
 * @param {Listing} listing
 */
export function limitsLine(listing) {
  const text = limitsText(listing);
  return text && h("p", { class: "small soft" }, text);
}

/**
 * @param {string} key
 * @param {() => void} onclick
 */
const button = (key, onclick) => h("button", { type: "button", class: "button", onclick }, t(key));

/**
 * What cannot be undone says first what it means.
 * @param {string} key
 * @param {string} meaning
 * @param {() => void} onclick
 */
const confirmed = (key, meaning, onclick) => h("details", {}, h("summary", {}, t(key)), h("p", {}, meaning), button(`${key}.yes`, onclick));
