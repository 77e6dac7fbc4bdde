/** Looking at an image or a text that the seller gave, or that was bought: never as markup. */

import { h } from "../../ui/dom.js";
import { t } from "../../ui/translations.js";
import { imageSize, mayShow } from "../image-size.js";

const IMAGES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"];
const TEXT_SHOWN = 20_000;
const IMAGE_SHOWN = 25_000_000;

/**
 * @param {import("../checkout-state.js").Preview} preview
 * @returns {HTMLElement | null} null for one that cannot be shown
 */
export function previewFigure({ mediaType, content }) {
  const caption = h("figcaption", {}, t("preview.sample"));
  if (mediaType === "text/plain") return h("figure", { class: "preview" }, text(new TextDecoder().decode(content)), caption);
  const size = imageSize(content);
  if (size === null) return null;
  if (!mayShow(size)) return h("p", { class: "notice" }, t("preview.large", size));
  const address = URL.createObjectURL(new Blob([content], { type: mediaType }));
  return picture(address, t("preview.alt"), caption);
}

/**
 * What was bought, if it is an image or a text; else null.
 * @param {import("../checkout-state.js").Opened} file
 * @returns {Promise<HTMLElement | null>}
 */
export async function openedFigure({ blob, type, name }) {
  if (!blob) return null;
  if (IMAGES.includes(type) && blob.size <= IMAGE_SHOWN) {
    const address = URL.createObjectURL(new Blob([blob], { type }));
    return picture(address, name, "");
  }
  if (!type.startsWith("text/") && type !== "application/json") return null;
  const start = await blob.slice(0, TEXT_SHOWN).text();
  const caption = blob.size > TEXT_SHOWN ? h("figcaption", {}, t("preview.start")) : "";
  return h("figure", { class: "preview" }, text(start), caption);
}

/**
 * One that the browser cannot show is not shown.
 * @param {string} address
 * @param {string} alt
 * @param {HTMLElement | string} caption
 */
function picture(address, alt, caption) {
  const figure = h("figure", { class: "preview" }, h("img", { src: address, alt, onerror: () => (figure.hidden = true) }), caption);
  return figure;
}

/** @param {string} content */
const text = (content) => h("pre", { tabindex: "0", role: "region", "aria-label": t("preview.text") }, content);
