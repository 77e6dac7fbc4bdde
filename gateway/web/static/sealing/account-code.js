/**
 * The account code: everything that a seller has to keep, made on their own device and never sent. 128 random bits and a
 * checksum, in seven groups of four characters (Crockford's base 32: no I, L, O, U). Python's half:
 * bitcache/account_code.py; both read tests/vectors/account-codes.json.
 */

import { b64u, concat, utf8 } from "./bytes.js";
import { sha256 } from "./webcrypto.js";

const ENTROPY_BYTES = 16;
const CHECK_BITS = 12n;
const LENGTH = 28;
const GROUP = 4;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** @type {Record<string, string>} */
const READ_AS = { O: "0", I: "1", L: "1" };

/** @typedef {{token: string, indexKey: CryptoKey}} AccountSecrets `token`: the seller's, of which the gateway keeps a hash */

/** @returns {Promise<string>} a fresh code, in groups */
export const newAccountCode = () => spellAccountCode(crypto.getRandomValues(new Uint8Array(ENTROPY_BYTES)));

/**
 * @param {Uint8Array} entropy 16 bytes
 * @returns {Promise<string>}
 */
export async function spellAccountCode(entropy) {
  const number = (toNumber(entropy) << CHECK_BITS) | (await checksum(entropy));
  const letters = Array.from({ length: LENGTH }, (_, place) => ALPHABET[Number((number >> BigInt(5 * (LENGTH - 1 - place))) & 31n)]);
  return groupsOf(letters.join("")).join("-");
}

/**
 * @param {string} code with or without its dashes
 * @returns {string[]} of four characters each
 */
export const groupsOf = (code) => code.replaceAll("-", "").match(new RegExp(`.{${GROUP}}`, "g")) ?? [];

/**
 * @param {string} text as a person typed it
 * @returns {Promise<Uint8Array | null>} its 16 bytes; null: this is no account code, or it has a typing error
 */
export async function parseAccountCode(text) {
  const letters = [...text.toUpperCase().replace(/[\s-]/g, "")].map((letter) => READ_AS[letter] ?? letter);
  if (letters.length !== LENGTH || !letters.every((letter) => ALPHABET.includes(letter))) return null;
  const number = letters.reduce((sum, letter) => (sum << 5n) | BigInt(ALPHABET.indexOf(letter)), 0n);
  const entropy = toBytes(number >> CHECK_BITS);
  return (number & ((1n << CHECK_BITS) - 1n)) === (await checksum(entropy)) ? entropy : null;
}

/**
 * HKDF-SHA256 (RFC 5869) without salt: the code has its full entropy already. One secret for each purpose.
 * @param {Uint8Array} entropy 16 bytes
 * @returns {Promise<AccountSecrets>}
 */
export async function accountSecrets(entropy) {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(entropy), "HKDF", false, ["deriveBits", "deriveKey"]);
  const token = await crypto.subtle.deriveBits(purpose("token"), key, 256);
  const indexKey = await crypto.subtle.deriveKey(purpose("index"), key, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  return { token: b64u(new Uint8Array(token)), indexKey };
}

/** @param {string} name */
const purpose = (name) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`bitcache/v1 account ${name}`) });

/** @param {Uint8Array} entropy */
async function checksum(entropy) {
  const [first, second] = await sha256(concat(utf8("bitcache/v1 account code"), entropy));
  return BigInt((first << 8) | second) >> (16n - CHECK_BITS);
}

/** @param {Uint8Array} bytes */
const toNumber = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** @param {bigint} number */
const toBytes = (number) => Uint8Array.from({ length: ENTROPY_BYTES }, (_, place) => Number((number >> BigInt(8 * (ENTROPY_BYTES - 1 - place))) & 255n));
