/**
 * Titles and file names that neither deceive nor harm. Python's half is bitcache/safe_names.py; both read
 * tests/vectors/names.json, whose comment states the rules.
 */

import { utf8 } from "./bytes.js";
import { SealingError } from "./errors.js";

export const MAX_NAME_BYTES = 200;
export const MAX_TITLE_CHARS = 200;
export const MAX_DESCRIPTION_CHARS = 4000;

/** Longest extension worth keeping whole, with its dot, in bytes of UTF-8. */
const MAX_EXTENSION_BYTES = 20;

/** Characters that break lines, command a terminal, reorder text or show nothing; what only shapes its neighbours may stay. */
const HIDDEN = /(?![\p{Join_Control}\p{Variation_Selector}])[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufff9-\ufffc]/gu;
const CONTROL_OR_UNDERSCORE = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}_]/gu;
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** Spaces, and letters and symbols that draw nothing. */
const BLANK = String.raw`\p{Zs}\u2800\u{13441}\u{13442}\u{1d159}`;
const BLANK_RUN = new RegExp(`[${BLANK}]+`, "gu");
const BLANK_ENDS = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, "gu");
const BLANK_OR_DOT_ENDS = new RegExp(`^[${BLANK}.]+|[${BLANK}.]+$`, "gu");
const VISIBLE = new RegExp(
  String.raw`[^${BLANK}\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Surrogate}\ufff9-\ufffc]`,
  "u",
);
const FORBIDDEN = /[/\\<>:"|?*]/g;
const RESERVED = /^(-|(con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]) *(\.|$))/i;

/**
 * A file name safe to save under on any system: at most 200 bytes of UTF-8, the extension kept, never empty.
 * @param {string} name as the seller's metadata has it
 * @returns {string}
 */
export function safeName(name) {
  const plain = name.replace(HIDDEN, "").replace(LONE_SURROGATE, "_").replace(FORBIDDEN, "_");
  // Cutting can uncover a reserved name ("con", many spaces, more), so look twice.
  const safe = notReserved(shorten(notReserved(plain.replace(BLANK_OR_DOT_ENDS, ""))));
  return VISIBLE.test(safe) ? safe : "file";
}

/**
 * Windows opens a device for `con.txt` and its like, whatever follows the dot; `-rf` is an option to programs.
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
  return firstBytes(stem, MAX_NAME_BYTES - utf8(extension).length).replace(BLANK_OR_DOT_ENDS, "") + extension;
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
 * A text of several lines, without blank ones at its ends; empty where nothing is visible. Lines end with a line feed alone.
 * @param {string} text
 * @returns {string}
 * @throws {SealingError} invalid_name, for hidden characters and for more than 4000
 */
export function cleanDescription(text) {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => VISIBLE.test(line));
  if (first < 0) return "";
  const after = [...lines].reverse().findIndex((line) => VISIBLE.test(line));
  const kept = lines.slice(first, lines.length - after).join("\n");
  if ([...kept].length > MAX_DESCRIPTION_CHARS) throw new SealingError("invalid_name", `a description has at most ${MAX_DESCRIPTION_CHARS} characters`);
  if (kept.replaceAll("\n", " ").search(HIDDEN) >= 0 || kept.search(LONE_SURROGATE) >= 0) {
    throw new SealingError("invalid_name", "a description holds visible characters only");
  }
  return kept;
}

/**
 * A listing's title, trimmed: 1 to 200 characters, one of them visible, none of them hidden.
 * @param {string} title
 * @returns {string}
 * @throws {SealingError} invalid_name
 */
export function cleanTitle(title) {
  const trimmed = title.replace(BLANK_ENDS, "");
  if (!VISIBLE.test(trimmed) || [...trimmed].length > MAX_TITLE_CHARS) {
    throw new SealingError("invalid_name", `a title has 1 to ${MAX_TITLE_CHARS} characters, one of them visible`);
  }
  if (trimmed.search(HIDDEN) >= 0 || trimmed.search(LONE_SURROGATE) >= 0) {
    throw new SealingError("invalid_name", "a title holds visible characters only");
  }
  return trimmed;
}

/**
 * A title to begin with, from a file's name: always one that {@link cleanTitle} takes.
 * @param {string} fileName
 * @returns {string}
 */
export function defaultTitle(fileName) {
  const words = fileName.replace(CONTROL_OR_UNDERSCORE, " ").replace(HIDDEN, "");
  const spaced = words.replace(BLANK_RUN, " ").replace(BLANK_ENDS, "");
  const stem = spaced.replace(/\.[A-Za-z0-9]{1,8}$/, "");
  const long = VISIBLE.test(stem) ? stem : spaced;
  const short = [...long].slice(0, MAX_TITLE_CHARS).join("").replace(BLANK_ENDS, "");
  return VISIBLE.test(short) ? short : "file";
}
