/** Sealing and uploading in a worker, with a key that signs but cannot be read, going on after a reload. */

import { newSellerKeys } from "../sealing/manifest.js";
import { get, put } from "./indexed-db.js";
import { previewType } from "./validate.js";
import { token } from "./seller-token.js";
import { forgetUnfinished, keepUnfinished, resumeOf } from "./unfinished-sales.js";

/** @typedef {import("../client/sell-worker.js").FromSealWorker} News */
/** @typedef {import("../client/sell.js").Sold} Sold */
/** @typedef {{file: File, title: string, description: string, contact: string, price: number, preview: File | null}} Sale */
/**
 * @typedef {object} Listener
 * @property {(done: number, total: number) => void} onProgress
 * @property {(key: "sell.progress.text" | "sell.progress.retrying" | "sell.progress.smaller" | "sell.progress.listing") => void} onState
 */

/** @returns {Promise<CryptoKeyPair>} the same for all files of this browser */
export async function signingKeys() {
  const kept = await get("signing-keys");
  if (kept) return kept;
  const keys = await newSellerKeys();
  await put("signing-keys", keys);
  return keys;
}

/**
 * @param {string} account as the gateway names it
 * @param {Sale} sale
 * @param {Listener} listener
 * @param {AbortSignal} signal
 * @returns {Promise<Sold>} whose link is to be kept before `forgetUnfinished` lets go of its secrets
 */
export async function publish(account, sale, listener, signal) {
  const resume = await resumeOf(account, sale.file);
  const message = { type: "start", gateway: location.origin, token: token(), ...(await described(sale)), keys: await signingKeys(), resume };
  const worker = new Worker(new URL("../client/sell-worker.js", import.meta.url), { type: "module" });
  try {
    return await converse(worker, message, { ...listener, onStarted: (state) => keepUnfinished(account, sale, state) }, signal);
  } catch (error) {
    // A file that changed, or an upload that is taken, must begin with new secrets.
    if (["file_changed", "file_unreadable", "upload_exists", "upload_corrupt"].includes(/** @type {any} */ (error).code)) await forgetUnfinished(account, sale.file);
    throw error;
  } finally {
    worker.terminate();
  }
}

/** @param {Sale} sale */
async function described({ file, title, description, contact, price, preview }) {
  const sample = preview && { mediaType: previewType(preview), content: new Uint8Array(await preview.arrayBuffer()) };
  return { file, title, description, contact, priceSat: price, preview: sample };
}

/**
 * @param {Worker} worker
 * @param {object} message
 * @param {Listener & {onStarted: (resume: import("../sealing/seal-file.js").SealingState) => void}} listener
 * @param {AbortSignal} signal
 * @returns {Promise<Sold>}
 */
function converse(worker, message, listener, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => worker.postMessage({ type: "cancel" }));
    worker.onerror = () => reject({ code: "unsupported_browser" });
    worker.onmessage = async (/** @type {MessageEvent<News>} */ { data }) => {
      if (data.type === "started") listener.onStarted(data.resume);
      else if (data.type === "progress") listener.onProgress(data.sealedBytes, data.totalBytes);
      else if (data.type === "state") listener.onState(data.state === "listing" ? "sell.progress.listing" : "sell.progress.text");
      else if (data.type === "retrying") listener.onState(data.code === "body_refused" ? "sell.progress.smaller" : "sell.progress.retrying");
      else if (data.type === "error") reject(data.error);
      else if (data.type === "done") resolve(data);
    };
    worker.postMessage(message);
  });
}
