/** The seller's session: for this tab, or for this device when the seller asks for it; where nothing may be kept, for this page. */

const KEY = "bitcache.token";
/** @type {string | null} */
let ofThisPage = null;

/**
 * @template T
 * @param {() => T} work with a storage that this browser may refuse
 * @returns {T | null}
 */
function allowed(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

export const token = () => ofThisPage ?? allowed(() => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY));

/**
 * @param {string} value
 * @param {boolean} remember beyond this tab
 */
export function signIn(value, remember) {
  signOut();
  ofThisPage = value;
  allowed(() => (remember ? localStorage : sessionStorage).setItem(KEY, value));
}

export function signOut() {
  ofThisPage = null;
  allowed(() => sessionStorage.removeItem(KEY));
  allowed(() => localStorage.removeItem(KEY));
}
