/**
 * Claim secrets, kept in this browser per file, so that a reload goes on and a late payment still finds its buyer.
 * Newest first. Where storage is forbidden they last as long as the page.
 */

const KEPT = 8;
/** @type {Map<string, string>} */
const unstored = new Map();

/** @param {string} fileId */
const keyOf = (fileId) => `bitcache.claims.${fileId}`;

/**
 * @param {string} fileId
 * @returns {string[]} b64u
 */
export function claimsOf(fileId) {
  try {
    const kept = JSON.parse(read(keyOf(fileId)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((claim) => /^[A-Za-z0-9_-]{43}$/.test(claim)) : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} fileId
 * @param {string} claim b64u
 */
export function keepClaim(fileId, claim) {
  const others = claimsOf(fileId).filter((other) => other !== claim);
  write(keyOf(fileId), JSON.stringify([claim, ...others].slice(0, KEPT)));
}

/**
 * @param {string} fileId
 * @param {string} claim one that the gateway does not know
 */
export function dropClaim(fileId, claim) {
  write(keyOf(fileId), JSON.stringify(claimsOf(fileId).filter((other) => other !== claim)));
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key) ?? unstored.get(key);
  } catch {
    return unstored.get(key);
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  unstored.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows and full disks: the page goes on, and the recovery link is what remains.
  }
}
