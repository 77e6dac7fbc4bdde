/** Links of one's own files, kept in this browser, those of each account apart: the gateway never learns them. */

import { read, remove, write } from "../ui/browser-storage.js";

const KEY = "bitcache.links";

/** @typedef {{link: string, title: string, changed?: number}} Kept `changed`: when the title was given last, Unix seconds */

/** @param {string} account as the gateway names it */
const keyOf = (account) => `${KEY}.${account}`;

/**
 * @param {string} account
 * @returns {Record<string, Kept>} by file id
 */
export function keptLinks(account) {
  return parsed(read(keyOf(account)));
}

/**
 * @param {string} account
 * @param {Record<string, Kept>} links by file id
 */
export function keepLinks(account, links) {
  write(keyOf(account), JSON.stringify({ ...keptLinks(account), ...links }));
}

/**
 * Links that were kept before accounts were told apart are those of whoever comes first.
 * @param {string} account
 */
export function adoptLinks(account) {
  const old = read(KEY);
  if (old === null) return;
  keepLinks(account, { ...parsed(old), ...keptLinks(account) });
  remove(KEY);
}

/** @param {string} account whose links are kept elsewhere too */
export function forgetLinks(account) {
  remove(keyOf(account));
}

/**
 * @param {string | null} text
 * @returns {Record<string, Kept>}
 */
function parsed(text) {
  try {
    const kept = JSON.parse(text ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}
