/** What this browser keeps for us. Where it refuses (frames, private windows, full disks), it lasts as long as the page. */

const PROBE = "bitcache.probe";
/** What could not be stored. @type {Map<string, string>} */
const unstored = new Map();

/** Whether this browser lets this page keep anything; frames of other sites, and some people's settings, do not. */
export function keeps() {
  try {
    localStorage.setItem(PROBE, "1");
    localStorage.removeItem(PROBE);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} key */
export function read(key) {
  try {
    return unstored.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
export function write(key, value) {
  try {
    localStorage.setItem(key, value);
    unstored.delete(key);
  } catch {
    unstored.set(key, value);
  }
}

/** @param {string} key */
export function remove(key) {
  unstored.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // nothing was kept
  }
}

/**
 * Whether what was written last outlives the page.
 * @param {string} key
 */
export const isStored = (key) => !unstored.has(key);
