/** Links of one's own files, kept in this browser, those of each account apart: the gateway never learns them. */

const KEY = "bitcache.links";

/** @typedef {{link: string, title: string, changed?: number}} Kept `changed`: when the title was given last, Unix seconds */

/** @param {string} account as the gateway names it */
const keyOf = (account) => `${KEY}.${account}`;

/**
 * @param {string} account
 * @returns {Record<string, Kept>} by file id
 */
export function keptLinks(account) {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf(account)) ?? "{}");
    return kept && typeof kept === "object" ? kept : {};
  } catch {
    return {};
  }
}

/**
 * @param {string} account
 * @param {Record<string, Kept>} links by file id
 */
export function keepLinks(account, links) {
  localStorage.setItem(keyOf(account), JSON.stringify({ ...keptLinks(account), ...links }));
}

/**
 * Links that were kept before accounts were told apart are those of whoever comes first.
 * @param {string} account
 */
export function adoptLinks(account) {
  const old = localStorage.getItem(KEY);
  if (old === null) return;
  keepLinks(account, { ...JSON.parse(old), ...keptLinks(account) });
  localStorage.removeItem(KEY);
}

/** @param {string} account whose links are kept elsewhere too */
export function forgetLinks(account) {
  localStorage.removeItem(keyOf(account));
}
