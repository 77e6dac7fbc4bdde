/** The free sample: chosen, made small where it is a picture, and shown as buyers will see it. */

import { previewFigure } from "../../checkout/views/file-preview.js";
import { h } from "../../ui/dom.js";
import { sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { samplePicture } from "../sample-picture.js";
import { previewType } from "../validate.js";
import { field } from "./labelled-field.js";

/** @param {File | null} before what was chosen already */
export function sampleField(before) {
  const input = h("input", { type: "file", accept: "image/*,text/plain,.txt,.md" });
  const part = field(t("sell.form.preview"), input, t("sell.form.preview.hint"));
  const shown = h("div", { class: "stack", role: "status" });
  /** @type {Promise<File | null>} */
  let sample = Promise.resolve(before);
  const take = async (/** @type {File | null} */ file) => {
    part.wrong();
    const made = (sample = file ? sampleOf(file) : Promise.resolve(null));
    const ready = await made;
    if (made !== sample) return; // another one was chosen meanwhile
    if (file && !ready) {
      input.value = "";
      part.wrong(t("sell.wrong.picture"));
    }
    shown.replaceChildren(...(ready ? await figure(ready) : []));
  };
  input.addEventListener("change", () => take(input.files?.[0] ?? null));
  if (before) figure(before).then((parts) => shown.replaceChildren(...parts));
  return { ...part, node: h("div", { class: "stack" }, part.node, shown), value: () => sample };
}

/** @param {File} file */
async function sampleOf(file) {
  if (previewType(file) === "text/plain") return file;
  const picture = await samplePicture(file);
  return picture && new File([picture], file.name, { type: picture.type });
}

/** @param {File} sample */
async function figure(sample) {
  const figure = previewFigure({ mediaType: previewType(sample), content: new Uint8Array(await sample.arrayBuffer()) });
  const about = h("p", { class: "small soft" }, t(previewType(sample) === "text/plain" ? "sell.form.preview.text" : "sell.form.preview.picture", { size: sizeText(sample.size) }));
  return figure ? [figure, about] : [];
}
