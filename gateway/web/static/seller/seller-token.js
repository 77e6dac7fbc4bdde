/** The seller's token: for this tab, or for this device when the seller asks for it. */

const KEY = "bitcache.token";

export const token = () => sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);

/**
 * @param {string} value
 * @param {boolean} remember beyond this tab
 */
export function signIn(value, remember) {
  signOut();
  (remember ? localStorage : sessionStorage).setItem(KEY, value);
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
}
