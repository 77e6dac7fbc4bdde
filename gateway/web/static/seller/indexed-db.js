/**
 * A few values in IndexedDB, which alone can hold keys that scripts may use but not read. Where the browser refuses it, they
 * last as long as the page.
 */

/** What could not be stored. @type {Map<string, unknown>} */
const unstored = new Map();

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("bitcache-seller", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(kept: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("kept", mode);
      const request = work(transaction.objectStore("kept"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/**
 * @param {string} key
 * @returns {Promise<any>} undefined when there is nothing
 */
export const get = async (key) => unstored.get(key) ?? within("readonly", (kept) => kept.get(key)).catch(() => undefined);

/**
 * @param {string} key
 * @param {unknown} value
 */
export async function put(key, value) {
  try {
    await within("readwrite", (kept) => kept.put(value, key));
    unstored.delete(key);
  } catch {
    unstored.set(key, value);
  }
}

/**
 * @param {string} prefix
 * @returns {Promise<any[]>} what is kept under keys that begin with it
 */
export async function valuesUnder(prefix) {
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  const stored = await within("readonly", (kept) => kept.getAllKeys(range)).catch(() => []);
  const keys = new Set([...stored.map(String), ...[...unstored.keys()].filter((key) => key.startsWith(prefix))]);
  return Promise.all([...keys].map(get));
}

/** @param {string} key */
export async function remove(key) {
  unstored.delete(key);
  await within("readwrite", (kept) => kept.delete(key)).catch(() => {}); // nothing was kept
}
