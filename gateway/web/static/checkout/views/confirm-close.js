/** Before the widget's dialog closes on a purchase that is not finished: what brings the buyer back. */

import { copyButton } from "../../ui/copy-button.js";
import { h } from "../../ui/dom.js";
import { t } from "../../ui/translations.js";

/**
 * Shows the question, once at a time.
 * @param {string} link the access link
 * @param {boolean} stored this browser finds the purchase without it
 * @param {() => void} close what the person chose
 */
export function askBeforeLeaving(link, stored, close) {
  if (document.querySelector("dialog.leaving")) return;
  const stay = h("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, t("leave.stay"));
  const copy = copyButton(() => link, { label: t("keep.copy"), class: "button" });
  const go = h("button", { type: "button", class: "button", onclick: () => (dialog.close(), close()) }, t("leave.close"));
  const title = h("h2", { id: "leaving" }, t("leave.title"));
  const text = h("p", { class: "soft small" }, t(stored ? "leave.text" : "leave.text.unstored"));
  const dialog = h("dialog", { class: "leaving", "aria-labelledby": "leaving" }, title, text, h("div", { class: "stack" }, stay, copy, go));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  stay.focus(); // browsers ignore "autofocus" in a frame of another site
}
