/** The example page: puts a link of one's own into the widget. The link stays in this page. */

import { formatLink, parseLink } from "./sealing/file-link.js";
import { t } from "./ui/translations.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("try"));
const field = /** @type {HTMLInputElement} */ (document.getElementById("link"));
const sample = /** @type {HTMLElement} */ (document.getElementById("sample"));
const wrong = /** @type {HTMLElement} */ (document.getElementById("wrong"));

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const mended = ours(field.value);
  const usable = mended !== null;
  wrong.textContent = usable ? "" : t("embed.wrong");
  field.setAttribute("aria-invalid", String(!usable));
  sample.hidden = !usable;
  if (mended === null) return field.focus();
  const link = /** @type {HTMLAnchorElement} */ (sample.querySelector("a"));
  link.href = mended;
  link.focus();
});

/**
 * The link of this site in what was pasted, with nothing clinging to it.
 * @param {string} text
 */
function ours(text) {
  try {
    const link = parseLink(text);
    return link.gateway === location.origin ? formatLink(link) : null;
  } catch {
    return null;
  }
}
