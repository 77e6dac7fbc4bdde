/** A file on sale: its link, a QR code to print, and the pay button's HTML. All made here: the gateway does not know the link. */

import { price } from "../../checkout/views/shared-parts.js";
import { qrImage } from "../../qr/qr.js";
import { copyButton } from "../../ui/copy-button.js";
import { h, heading } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";

/**
 * The pay button's HTML, its title made harmless.
 * @param {string} link
 * @param {string} label
 */
export function snippet(link, label) {
  const safe = label.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const origin = new URL(link).origin;
  return `<script type="module" src="${origin}/bitcache-pay.js"></script>\n<bitcache-pay><a href="${link}">${safe}</a></bitcache-pay>`;
}

/**
 * @param {{link: string, title: string, price: number}} sale
 * @param {() => void} another
 */
export function soldView({ link, title, price: amount }, another) {
  const html = snippet(link, t("sell.done.label", { title, price: satText(amount) }));
  const poster = h(
    "div",
    { class: "printed" },
    heading(t("sell.done.title", { title })),
    price(amount),
    h("div", { class: "qr" }, qrImage(link, t("sell.done.qr"))),
    h("p", { class: "small soft" }, t("sell.done.scan")),
  );
  return h("div", { class: "card" }, poster, linkPart(link), embedPart(html), againButton(another));
}

/** @param {string} link */
function linkPart(link) {
  const text = h("input", { readonly: true, value: link, "aria-label": t("sell.done.link") });
  text.addEventListener("focus", () => text.select());
  const copy = copyButton(() => link, { label: t("sell.done.copy"), class: "button primary" });
  const print = h("button", { type: "button", class: "button", onclick: () => globalThis.print() }, t("sell.done.print"));
  const open = h("a", { class: "button", href: link, target: "_blank", rel: "noopener" }, t("sell.done.open"));
  return h("div", { class: "stack no-print" }, h("p", { class: "notice good" }, t("sell.done.text")), h("div", { class: "copybox" }, text, copy), print, open);
}

/** @param {string} html */
function embedPart(html) {
  const text = h("textarea", { readonly: true, rows: 8, "aria-label": t("sell.done.snippet") });
  text.value = html;
  const copy = copyButton(() => html, { label: t("sell.done.snippet.copy"), class: "button" });
  return h("details", { class: "no-print" }, h("summary", {}, t("sell.done.embed")), h("div", { class: "copybox" }, text, copy));
}

/** @param {() => void} another */
const againButton = (another) => h("button", { type: "button", class: "plain no-print", onclick: another }, t("sell.done.another"));
