/** A labelled field with a hint and, when something is wrong, one sentence that a screen reader hears with it. */

import { freshId, h, setText } from "../../ui/dom.js";

/** @param {string} [text] */
export const problemLine = (text) => (text ? h("p", { class: "notice bad", role: "alert" }, text) : "");

/**
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 * @param {HTMLElement} [frame] what holds the input, if not the field itself
 */
export function field(label, input, hint = "", frame = input) {
  const [id, hintId, wrongId] = [freshId(), freshId(), freshId()];
  input.id = id;
  input.setAttribute("aria-describedby", `${wrongId} ${hintId}`);
  const note = h("span", { class: "hint", id: hintId }, hint);
  const wrong = h("span", { class: "wrong", id: wrongId });
  return {
    node: h("div", { class: "field" }, h("label", { for: id }, label), frame, wrong, note),
    input,
    /** @param {string} text */
    hint: (text) => setText(note, text),
    /** @param {string} [text] nothing when all is well */
    wrong(text = "") {
      setText(wrong, text);
      input.setAttribute("aria-invalid", String(text !== ""));
    },
  };
}
