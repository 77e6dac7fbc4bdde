/** The files to sell: dropped, or chosen. */

import { h, setText } from "../../ui/dom.js";
import { sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { isReadable, wrongDrop } from "../validate.js";
import { field } from "./labelled-field.js";

/**
 * @param {File[]} before
 * @param {(files: File[]) => void} onChoose
 */
export function fileField(before, onChoose) {
  let chosen = before;
  const input = h("input", { type: "file", multiple: true });
  const name = h("strong", {});
  const about = h("span", { class: "small soft" });
  const zone = h("div", { class: "drop" }, name, about, input);
  const part = field(t("sell.form.file"), input, "", zone);
  const refuseUnreadable = async (/** @type {File[]} */ files) => {
    if ((await Promise.all(files.map(isReadable))).every(Boolean) || files !== chosen) return;
    chosen = [];
    input.value = "";
    part.wrong(t("error.file_unreadable"));
    show();
  };
  const show = () => {
    setText(name, chosen.length ? chosen.map((file) => file.name).join(", ") : t("sell.form.drop"));
    setText(about, chosen.length ? sizeText(chosen.reduce((sum, file) => sum + file.size, 0)) : t("sell.form.sealed"));
  };
  const take = (/** @type {FileList | null | undefined} */ files) => {
    if (files?.length) chosen = [...files];
    part.wrong();
    show();
    onChoose(chosen);
    refuseUnreadable(chosen);
  };
  input.addEventListener("change", () => take(input.files));
  // The field itself would take a folder for a file.
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const wrong = wrongDrop(event.dataTransfer);
    if (wrong) part.wrong(t(wrong));
    else take(event.dataTransfer?.files);
  });
  for (const [event, over] of Object.entries({ dragenter: true, dragover: true, dragleave: false, drop: false })) {
    zone.addEventListener(event, () => zone.toggleAttribute("data-over", over));
  }
  show();
  return { ...part, chosen: () => chosen };
}
