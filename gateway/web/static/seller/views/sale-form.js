/** What is sold: a file, a title, a price, and if one likes a free sample. */

import { h, heading, setText } from "../../ui/dom.js";
import { satText, sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { defaultTitle } from "../../sealing/safe-name.js";
import { check, isReadable, wrongDrop } from "../validate.js";
import { descriptionFields } from "./description-fields.js";
import { field, problemLine } from "./labelled-field.js";
import { priceField } from "./price-field.js";
import { sampleField } from "./sample-field.js";

/** @typedef {import("../publish.js").Sale} Sale */
/** @typedef {{smallest: number, largest: number, left: number}} Limits */

/**
 * @param {Limits} limits
 * @param {(sale: Sale) => void} publish
 * @param {{sale?: Partial<Sale>, problem?: string}} [before] what was typed already, and why it failed
 */
export function formView(limits, publish, { sale = {}, problem } = {}) {
  const title = field(t("sell.form.name"), h("input", { maxlength: 200, autocomplete: "off", value: sale.title ?? "" }), t("sell.form.name.hint"));
  title.input.addEventListener("input", () => title.wrong());
  const file = fileField(sale.file ?? null, (chosen) => {
    const input = /** @type {HTMLInputElement} */ (title.input);
    if (!input.value && chosen) input.value = defaultTitle(chosen.name);
    title.wrong();
  });
  const price = priceField(limits.smallest, sale.price);
  const more = descriptionFields(sale);
  const preview = sampleField(sale.preview ?? null);
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true; // a large picture takes a moment
    const sample = await preview.value();
    button.disabled = false;
    const typed = {
      file: file.chosen(),
      title: /** @type {HTMLInputElement} */ (title.input).value,
      ...more.value(),
      price: price.value(),
      preview: sample,
    };
    const wrong = check(typed, limits);
    showWrong(wrong, { file, title, price, preview }, limits);
    if (more.check() && Object.keys(wrong).length === 0) publish(/** @type {Sale} */ (typed));
  };
  const button = h("button", { class: "button primary" }, t("sell.form.go"));
  const form = h("form", { class: "stack", onsubmit, novalidate: true }, file.node, title.node, price.node, preview.node, more.node, problemLine(problem), button);
  return h("div", { class: "card sale-form" }, heading(t("sell.form.title")), form);
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

/**
 * @param {File | null} before
 * @param {(file: File | null) => void} onChoose
 */
function fileField(before, onChoose) {
  let chosen = before;
  const input = h("input", { type: "file" });
  const name = h("strong", {}, t("sell.form.drop"));
  const about = h("span", { class: "small soft" }, t("sell.form.sealed"));
  const zone = h("div", { class: "drop" }, name, about, input);
  const part = field(t("sell.form.file"), input, "", zone);
  const refuseUnreadable = async (/** @type {File | null} */ file) => {
    if (!file || (await isReadable(file)) || file !== chosen) return;
    chosen = null;
    input.value = "";
    part.wrong(t("error.file_unreadable"));
    show();
  };
  const show = () => {
    setText(name, chosen ? chosen.name : t("sell.form.drop"));
    setText(about, chosen ? sizeText(chosen.size) : t("sell.form.sealed"));
  };
  const take = (/** @type {File | undefined} */ file) => {
    chosen = file ?? chosen;
    part.wrong();
    show();
    onChoose(chosen);
    refuseUnreadable(chosen);
  };
  input.addEventListener("change", () => take(input.files?.[0]));
  // The field itself would ignore several files without a word, and take a folder for a file.
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const wrong = wrongDrop(event.dataTransfer);
    if (wrong) part.wrong(t(wrong));
    else take(event.dataTransfer?.files[0]);
  });
  for (const [event, over] of Object.entries({ dragenter: true, dragover: true, dragleave: false, drop: false })) {
    zone.addEventListener(event, () => zone.toggleAttribute("data-over", over));
  }
  show();
  return { ...part, chosen: () => chosen };
}
