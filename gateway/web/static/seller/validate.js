/** What a seller typed, checked before anything is sealed. */

import { MAX_PREVIEW, PREVIEW_TYPES } from "../sealing/metadata.js";
import { cleanTitle } from "../sealing/safe-name.js";

/** From here on the network's fees are a small part of a sale (docs/protocol.md, money). */
export const SENSIBLE_SAT = 5000;

/** @typedef {{file?: string, title?: string, price?: string, preview?: string}} Wrong keys of words, by field */

/**
 * "2 500" → 2500
 * @param {string} text
 * @returns {number | null}
 */
export function parsePrice(text) {
  const digits = text.replace(/[\s\u00a0\u202f]/g, "");
  return /^[1-9]\d{0,15}$/.test(digits) && Number(digits) <= 21e14 ? Number(digits) : null;
}

/**
 * What to say about a price, if anything.
 * @param {number | null} price
 * @param {number} smallest that the network carries
 * @returns {{key: "sell.advice.dust" | "sell.advice.small", sat: number} | null}
 */
export function adviceOn(price, smallest) {
  if (price === null || price >= SENSIBLE_SAT) return null;
  return price < smallest ? { key: "sell.advice.dust", sat: smallest } : { key: "sell.advice.small", sat: SENSIBLE_SAT };
}

/**
 * @param {{files: File[], title: string, price: number | null, preview: File | null}} sale several files need no title
 * @param {{smallest: number, largest: number, left: number}} limits in sat and bytes; `left`: of what one seller may keep
 * @returns {Wrong} empty when all is well
 */
export function check({ files, title, price, preview }, { smallest, largest, left }) {
  /** @type {Wrong} */
  const wrong = {};
  if (files.length === 0) wrong.file = "sell.wrong.file";
  else if (files.some((file) => file.size === 0)) wrong.file = "sell.wrong.empty";
  else if (files.some((file) => file.size > largest)) wrong.file = "sell.wrong.large";
  else if (files.reduce((sum, file) => sum + file.size, 0) > left) wrong.file = "sell.wrong.quota";
  if (files.length < 2 && !isTitle(title)) wrong.title = "sell.wrong.title";
  if (price === null || price < smallest) wrong.price = price === null ? "sell.wrong.price" : "sell.advice.dust";
  if (preview && (preview.size > MAX_PREVIEW || !PREVIEW_TYPES.includes(previewType(preview)))) wrong.preview = "sell.wrong.preview";
  return wrong;
}

/** @param {string} title */
function isTitle(title) {
  try {
    return cleanTitle(title) !== "";
  } catch {
    return false;
  }
}

/**
 * Browsers know ".md" and the like as other texts; a preview calls them all plain.
 * @param {File} file
 */
export const previewType = (file) => (/^text\/|^$/.test(file.type) && /\.(txt|md|text)$/i.test(file.name) ? "text/plain" : file.type);

/**
 * What is wrong with what was dropped, if anything: files are sold, and no folders.
 * @param {DataTransfer | null} dropped
 * @returns {"sell.wrong.folder" | null}
 */
export function wrongDrop(dropped) {
  const files = [...(dropped?.items ?? [])].filter((item) => item.kind === "file");
  return files.some((item) => item.webkitGetAsEntry()?.isDirectory) ? "sell.wrong.folder" : null;
}

/**
 * Whether the browser can read the file at all: not if it is a folder, or gone, or not ours to read.
 * @param {File} file
 */
export async function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}
