/** Sealing and uploading: a bar with bytes, and what goes on. */

import { h, heading, setText } from "../../ui/dom.js";
import { durationText, sizeText } from "../../ui/format-numbers.js";
import { TransferSpeed } from "../../ui/transfer-speed.js";
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
  const speed = h("p", { class: "small soft" });
  const measured = new TransferSpeed();
  const head = h("div", { class: "offer-head" }, heading(t("sell.progress.title")), h("p", {}, title), line);
  const button = h("button", { type: "button", class: "button", onclick: cancel }, t("sell.progress.cancel"));
  return {
    node: h("div", { class: "card" }, head, h("div", { class: "stack" }, bar, h("div", {}, bytes, speed)), button),
    /** @type {import("../publish.js").Listener} */
    listener: {
      onProgress(done, total) {
        setText(line, t("sell.progress.text"));
        fillBar(bar, { bytes: done, total });
        setText(bytes, t("bytes.of", { done: sizeText(done), total: sizeText(total) }));
        const now = measured.note(done, total, performance.now());
        setText(speed, now && done < total ? t("bytes.speed", { rate: sizeText(now.perSecond), left: durationText(now.secondsLeft) }) : "");
      },
      onState: (key) => setText(line, t(key)),
    },
  };
}
