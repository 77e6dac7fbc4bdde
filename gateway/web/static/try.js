/** The example page: puts a link of one's own into the widget. The link stays in this page. */

import { parseLink } from "./sealing/link.js";
import { t } from "./ui/words.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("try"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("link"));
const sample = /** @type {HTMLElement} */ (document.getElementById("sample"));
const wrong = /** @type {HTMLElement} */ (document.getElementById("wrong"));

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const usable = isOurs(field.value.trim());
  wrong.textContent = usable ? "" : t("embed.wrong");
  field.setAttribute("aria-invalid", String(!usable));
  sample.hidden = !usable;
  if (!usable) return field.focus();
  const link = /** @type {HTMLAnchorElement} */ (sample.querySelector("a"));
  link.href = field.value.trim();
  link.focus();
});

/** @param {string} text */
function isOurs(text) {
  try {
    return parseLink(text).gateway === location.origin;
  } catch {
    return false;
  }
}
