/**
 * What a seller sees again after signing in elsewhere: names and links of their files, sealed here under a key derived from the
 * account code (docs/protocol.md §11). The gateway keeps it and cannot read it.
 */

import { concat, fromUtf8, utf8 } from "../sealing/bytes.js";
import { GatewayError } from "../sealing/errors.js";
import { getIndex, putIndex } from "./account-api.js";
import { get, put, remove } from "./indexed-db.js";
import { adoptLinks, forgetLinks, keepLinks, keptLinks } from "./saved-links.js";

/** @typedef {import("./saved-links.js").Kept} Kept */
/** @typedef {Record<string, Kept>} Files by file id */

/** @param {string} account as the gateway names it */
const keyName = (account) => `index-key ${account}`;
const NONCE_BYTES = 12;
const CONTEXT = utf8("bitcache/v1 account index");
/** Two windows that publish at once: the later one reads again. */
const ROUNDS = 5;

/**
 * @param {string} account
 * @param {CryptoKey} key that scripts may use and not read
 */
export const keepIndexKey = (account, key) => put(keyName(account), key);

/**
 * Leave nothing of an account in this browser; links and unfinished sales, which are kept nowhere else, stay.
 * @param {string} account
 */
export async function forgetAccount(account) {
  if (await syncIndex(account).catch(() => false)) forgetLinks(account);
  await remove(keyName(account));
}

/**
 * Make this browser and the account's index hold the same files: what either has the other gets.
 * @param {string} account
 * @returns {Promise<boolean>} whether they do; false: signed in by a token alone, what is kept here is kept here
 */
export async function syncIndex(account) {
  adoptLinks(account);
  const key = await get(keyName(account));
  if (!key) return false;
  for (let round = 1; ; round++) {
    const kept = await getIndex();
    const files = kept.version ? await openIndex(key, kept.sealed) : {};
    const all = newest(files, keptLinks(account));
    keepLinks(account, all);
    if (Object.entries(all).every(([fileId, file]) => file.title === files[fileId]?.title)) return true;
    try {
      await putIndex(await sealIndex(key, all), kept.version);
      return true;
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "index_changed" || round === ROUNDS) throw error;
    }
  }
}

/**
 * What either has; of what both have, what was changed last.
 * @param {Files} there
 * @param {Files} here
 * @returns {Files}
 */
export function newest(there, here) {
  const all = { ...there };
  for (const [fileId, file] of Object.entries(here)) if (!(fileId in there) || (file.changed ?? 0) > (there[fileId].changed ?? 0)) all[fileId] = file;
  return all;
}

/**
 * @param {CryptoKey} key
 * @param {Files} files
 * @returns {Promise<Uint8Array<ArrayBuffer>>} nonce, then AES-256-GCM
 */
export async function sealIndex(key, files) {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const how = { name: "AES-GCM", iv: nonce, additionalData: CONTEXT };
  return concat(nonce, new Uint8Array(await crypto.subtle.encrypt(how, key, utf8(JSON.stringify({ v: 1, files })))));
}

/**
 * @param {CryptoKey} key
 * @param {Uint8Array<ArrayBuffer>} sealed
 * @returns {Promise<Files>}
 */
export async function openIndex(key, sealed) {
  const how = { name: "AES-GCM", iv: sealed.slice(0, NONCE_BYTES), additionalData: CONTEXT };
  const { files } = JSON.parse(fromUtf8(new Uint8Array(await crypto.subtle.decrypt(how, key, sealed.slice(NONCE_BYTES)))));
  return files;
}
