/** Sealing and uploading: a bar with bytes, and what goes on. */

import { h, heading, setText } from "../../ui/dom.js";
import { sizeText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { fillBar } from "../../checkout/views/shared-parts.js";

/**
 * @param {string} title
 * @param {() => void} cancel
 */
export function progressView(title, cancel) {
  const line = h("p", { class: "soft", role: "status" }, t("sell.progress.text"));
  const bar = h("progress", { "aria-label": t("sell.progress.title") });
  const bytes = h("p", { class: "small soft" });
  const head = h("div", { class: "offer-head" }, heading(t("sell.progress.title")), h("p", {}, title), line);
  const button = h("button", { type: "button", class: "button", onclick: cancel }, t("sell.progress.cancel"));
  return {
    node: h("div", { class: "card" }, head, h("div", { class: "stack" }, bar, bytes), button),
    /** @type {import("../publish.js").Listener} */
    listener: {
      onProgress(done, total) {
        setText(line, t("sell.progress.text"));
        fillBar(bar, { bytes: done, total });
        setText(bytes, t("bytes.of", { done: sizeText(done), total: sizeText(total) }));
      },
      onState: (key) => setText(line, t(key)),
    },
  };
}
