/** Another price or title for a file on sale. */

import { cleanTitle } from "../../sealing/safe-name.js";
import { h } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { descriptionFields } from "./description-fields.js";
import { field, problemLine } from "./labelled-field.js";
import { priceField } from "./price-field.js";

/** @typedef {import("../change-listing.js").Terms} Terms */

/**
 * @param {Terms} now
 * @param {number} smallest that can be paid to the seller, in satoshis
 * @param {(wanted: Terms) => Promise<void>} save may fail
 */
export function changeForm(now, smallest, save) {
  const name = h("input", { maxlength: 200, autocomplete: "off", value: now.title });
  const title = field(t("sell.form.name"), name, t("sell.form.name.hint"));
  const price = priceField(smallest, now.price);
  const more = descriptionFields(now);
  const problem = h("div");
  const button = h("button", { class: "button primary" }, t("sell.change.save"));
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wanted = checked(name.value, price.value(), smallest);
    title.wrong(wanted.title === null ? t("sell.wrong.title") : "");
    price.wrong(wanted.price === null ? t("sell.advice.dust", { min: satText(smallest) }) : "");
    if (wanted.title === null || wanted.price === null) return (wanted.title === null ? name : price.input).focus();
    if (!more.check()) return;
    button.disabled = true;
    await save({ title: wanted.title, ...more.value(), price: wanted.price }).catch((error) => problem.replaceChildren(problemLine(errorText(error))));
    button.disabled = false;
  };
  const note = h("p", { class: "small soft" }, t("sell.change.text"));
  return h("form", { class: "stack", onsubmit, novalidate: true }, title.node, price.node, more.node, problem, button, note);
}

/**
 * @param {string} title
 * @param {number | null} price
 * @param {number} smallest
 */
function checked(title, price, smallest) {
  return { title: cleaned(title), price: price !== null && price >= smallest ? price : null };
}

/** @param {string} title */
function cleaned(title) {
  try {
    return cleanTitle(title) || null;
  } catch {
    return null;
  }
}
