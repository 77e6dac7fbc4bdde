/**
 * Recognises private keys and seed words in what a seller pasted, so that they never leave the browser. The gateway
 * refuses the same (wallet/refuse_private_keys.py); tests/vectors/secrets.json has cases of both.
 */

const BASE58 = "1-9A-HJ-NP-Za-km-z";
const MIN_SEED_WORDS = 12;

/**
 * Not as a part of a longer base58 word: a public key may hold any letters.
 * @param {string} pattern
 */
const alone = (pattern) => new RegExp(`(?:^|[^${BASE58}])(?:${pattern})(?![${BASE58}])`);

/** @type {[string, RegExp][]} */
const PRIVATE = [
  ["extended_private_key", new RegExp(`(?:^|[^${BASE58}])[a-zA-Z]prv`)],
  ["private_key", alone(`[59][${BASE58}]{50}|[KLc][${BASE58}]{51}`)],
  ["encrypted_private_key", alone(`6P[${BASE58}]{56}`)],
  ["codex32", /(?:^|[^\p{L}\p{N}_])ms1[02-9ac-hj-np-z]{40,}/iu],
];
/** Hexadecimal of 32 or 64 bytes, standing alone, can only be meant as a private key or a seed. */
const RAW_KEY = /^(?:0x)?(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$/;
const HAN = /[\u3400-\u9fff\uf900-\ufaff]/g;

/**
 * What kind of secret the text holds, or seems to hold; null for public text. It errs on the side of refusing.
 * @param {string} text
 * @returns {string | null}
 */
export function kindOfSecret(text) {
  for (const [kind, pattern] of PRIVATE) if (pattern.test(text)) return kind;
  if (text.split(/[\s,;:="'`]+/).some((token) => RAW_KEY.test(token))) return "raw_key";
  return partsOf(text).some((part) => longestRun(part) >= MIN_SEED_WORDS) ? "seed_words" : null;
}

/**
 * The text, or, of JSON, its values: the names of members are nobody's seed.
 * @param {string} text
 * @returns {string[]}
 */
function partsOf(text) {
  if (!/^\s*[[{]/.test(text)) return [text];
  try {
    return strings(JSON.parse(text));
  } catch {
    return [text];
  }
}

/**
 * @param {any} value
 * @returns {string[]}
 */
function strings(value) {
  if (typeof value === "string") return [value];
  if (value === null || typeof value !== "object") return [];
  const inside = Object.values(value).flatMap(strings);
  return Array.isArray(value) ? [value.filter((item) => typeof item === "string").join(" "), ...inside] : inside;
}

/**
 * The longest run of words that could belong to a seed, however they are separated and numbered.
 * @param {string} text
 */
function longestRun(text) {
  let [longest, run] = [0, 0];
  const words = text.normalize("NFKC").replace(HAN, " $& ").split(/[^\p{L}\p{N}]+/u);
  for (const word of words) {
    if (word === "" || /^\p{Nd}{1,2}$/u.test(word)) continue; // a number before its word
    run = mayBeSeedWord(word) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

/**
 * In Latin script 3 to 12 letters: as in every BIP39 and SLIP39 list, and Electrum's old one.
 * @param {string} word
 */
function mayBeSeedWord(word) {
  return /^\p{L}+$/u.test(word) && (/^.{3,12}$/u.test(word) || /[^\u0000-\u024f]/u.test(word));
}
