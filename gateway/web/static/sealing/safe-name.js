/**
 * Titles and file names that neither deceive nor harm. Python's half is bitcache/names.py; both read
 * tests/vectors/names.json, whose comment states the rules.
 */

import { utf8 } from "./bytes.js";
import { SealingError } from "./errors.js";

export const MAX_NAME_BYTES = 200;
export const MAX_TITLE_CHARS = 200;

/** Longest extension worth keeping whole, with its dot, in bytes of UTF-8. */
const MAX_EXTENSION_BYTES = 20;

/** C0 and C1 controls, and characters that are invisible, break lines or reorder text. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const FORBIDDEN = /[/\\<>:"|?*]/g;
const BLANK_ENDS = /^[ .\u00a0\u3000]+|[ .\u00a0\u3000]+$/g;
const RESERVED = /^(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]) *(\.|$)/i;

/**
 * A file name safe to save under on any system: at most 200 bytes of UTF-8, the extension kept, never empty.
 * @param {string} name as the seller's metadata has it
 * @returns {string}
 */
export function safeName(name) {
  const visible = name.replace(HIDDEN, "").replace(LONE_SURROGATE, "_").replace(FORBIDDEN, "_");
  // Cutting can uncover a reserved name ("con", many spaces, more), so look twice.
  return notReserved(shorten(notReserved(visible.replace(BLANK_ENDS, "")))) || "file";
}

/**
 * Windows opens a device for `con.txt` and its like, whatever follows the dot.
 * @param {string} name
 */
function notReserved(name) {
  return RESERVED.test(name) ? `_${name}` : name;
}

/** @param {string} name */
function shorten(name) {
  if (utf8(name).length <= MAX_NAME_BYTES) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && utf8(name.slice(dot)).length <= MAX_EXTENSION_BYTES ? name.slice(dot) : "";
  const stem = name.slice(0, name.length - extension.length);
  return firstBytes(stem, MAX_NAME_BYTES - utf8(extension).length).replace(BLANK_ENDS, "") + extension;
}

/**
 * The longest start of `text` with at most `limit` bytes of UTF-8, never cutting a character.
 * @param {string} text
 * @param {number} limit
 */
function firstBytes(text, limit) {
  let used = 0;
  let kept = "";
  for (const char of text) {
    used += utf8(char).length;
    if (used > limit) break;
    kept += char;
  }
  return kept;
}

/**
 * A listing's title, trimmed: 1 to 200 characters, none of them hidden.
 * @param {string} title
 * @returns {string}
 * @throws {SealingError} invalid_name
 */
export function cleanTitle(title) {
  const trimmed = title.replace(/^[ \u00a0\u3000]+|[ \u00a0\u3000]+$/g, "");
  const length = [...trimmed].length;
  if (length === 0 || length > MAX_TITLE_CHARS) {
    throw new SealingError("invalid_name", `a title has 1 to ${MAX_TITLE_CHARS} characters`);
  }
  if (trimmed.search(HIDDEN) >= 0 || trimmed.search(LONE_SURROGATE) >= 0) {
    throw new SealingError("invalid_name", "a title holds visible characters only");
  }
  return trimmed;
}
