/** What is sold: files, each by itself, a price, and of a single one a title and if one likes a free sample. */

import { h, heading } from "../../ui/dom.js";
import { satText, sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { defaultTitle } from "../../sealing/safe-name.js";
import { check } from "../validate.js";
import { descriptionFields } from "./description-fields.js";
import { fileField } from "./file-field.js";
import { field } from "./labelled-field.js";
import { priceField } from "./price-field.js";
import { sampleField } from "./sample-field.js";

/** @typedef {import("../publish.js").Sale} Sale */
/** @typedef {Omit<Sale, "file" | "price"> & {files: File[], price: number | null}} Typed */
/** @typedef {{smallest: number, largest: number, left: number}} Limits */

/**
 * @param {Limits} limits
 * @param {(sales: Sale[]) => void} publish
 * @param {{typed?: Partial<Typed>, notice?: Node}} [before] what was typed already, and what became of it
 */
export function formView(limits, publish, { typed: before = {}, notice } = {}) {
  const title = field(t("sell.form.name"), h("input", { maxlength: 200, autocomplete: "off", value: before.title ?? "" }), t("sell.form.name.hint"));
  title.input.addEventListener("input", () => title.wrong());
  const several = h("p", { class: "small soft" }, t("sell.form.several"));
  const preview = sampleField(before.preview ?? null);
  const showFor = (/** @type {File[]} */ files) => {
    title.node.hidden = preview.node.hidden = files.length > 1;
    several.hidden = files.length < 2;
  };
  const file = fileField(before.files ?? [], (chosen) => {
    const input = /** @type {HTMLInputElement} */ (title.input);
    if (!input.value && chosen.length) input.value = defaultTitle(chosen[0].name);
    title.wrong();
    showFor(chosen);
  });
  showFor(file.chosen());
  const price = priceField(limits.smallest, before.price ?? undefined);
  const more = descriptionFields(before);
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true; // a large picture takes a moment
    const sample = await preview.value();
    button.disabled = false;
    const typed = {
      files: file.chosen(),
      title: /** @type {HTMLInputElement} */ (title.input).value,
      ...more.value(),
      price: price.value(),
      preview: sample,
    };
    const wrong = check(typed, limits);
    showWrong(wrong, { file, title, price, preview }, limits);
    if (more.check() && Object.keys(wrong).length === 0) publish(salesOf(typed));
  };
  const button = h("button", { class: "button primary" }, t("sell.form.go"));
  const form = h("form", { class: "stack", onsubmit, novalidate: true }, file.node, several, title.node, price.node, preview.node, more.node, button);
  return h("div", { class: "card sale-form" }, heading(t("sell.form.title")), notice ?? "", form);
}

/**
 * @param {Typed} typed that was checked
 * @returns {Sale[]} several files are sold under their own names, and without a sample
 */
function salesOf({ files, title, price, preview, ...more }) {
  const single = files.length === 1;
  return files.map((file) => ({ ...more, file, title: single ? title : defaultTitle(file.name), price: /** @type {number} */ (price), preview: single ? preview : null }));
}

/**
 * @param {import("../validate.js").Wrong} wrong
 * @param {Record<keyof import("../validate.js").Wrong, {input: HTMLElement, wrong: (text?: string) => void}>} fields
 * @param {Limits} limits
 */
function showWrong(wrong, fields, limits) {
  const values = { max: sizeText(limits.largest), left: sizeText(limits.left), min: satText(limits.smallest) };
  const names = /** @type {(keyof import("../validate.js").Wrong)[]} */ (["file", "title", "price", "preview"]);
  names.forEach((name) => fields[name].wrong(wrong[name] && t(wrong[name], values)));
  const first = names.find((name) => wrong[name]);
  if (first) fields[first].input.focus();
}
