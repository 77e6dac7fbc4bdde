/** A button that copies, and says so. */

import { h } from "./dom.js";
import { t } from "./translations.js";

/**
 * @param {() => string} text read when it is pressed
 * @param {{label?: string, name?: string, class?: string}} [look] `name`: for screen readers, when the label alone says too little
 */
export function copyButton(text, { label = t("copy"), name, class: look = "button slim" } = {}) {
  const button = h("button", { type: "button", class: look, "aria-label": name }, label);
  button.addEventListener("click", async () => {
    const copied = await copy(text());
    button.textContent = copied ? t("copied") : t("copy.failed");
    button.removeAttribute("aria-label");
    setTimeout(() => {
      button.textContent = label;
      if (name) button.setAttribute("aria-label", name);
    }, 2000);
  });
  return button;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/**
 * In a frame that was not given the clipboard, the old way still works.
 * @param {string} text
 */
function copyBySelection(text) {
  const field = h("textarea", { class: "visually-hidden", readonly: true, "aria-hidden": "true" });
  field.value = text;
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
