/**
 * Module worker that seals, uploads and lists one file, off the page's thread and in constant memory.
 *
 *     const worker = new Worker("/static/client/sell-worker.js", {type: "module"});
 *     worker.postMessage({type: "start", gateway: location.origin, token, file, title, priceSat: 2500, preview: null, keys});
 *
 * After `done` or `error` the worker is idle and may be started again, or terminated.
 *
 * @typedef {object} StartSealing
 * @property {"start"} type
 * @property {string} gateway scheme, host and port
 * @property {string} token the seller token, b64u
 * @property {File} file
 * @property {string} title
 * @property {string} description
 * @property {string} contact
 * @property {number} priceSat whole satoshis
 * @property {{mediaType: string, content: Uint8Array} | null} preview
 * @property {CryptoKeyPair} keys Ed25519, as newSellerKeys() makes them: they can be posted, not read
 * @property {number} [pieceSize] bytes per request, in steps of 1 049 600; 4 MiB
 * @property {import("../sealing/seal-file.js").SealingState} [resume] what an earlier `started` gave
 *
 * @typedef {StartSealing | {type: "cancel"}} ToSealWorker `cancel` ends in an `error` with code "cancelled"
 *
 * @typedef {{type: "started", resume: import("../sealing/seal-file.js").SealingState}} Started secret; store it (IndexedDB) until `done`
 * @typedef {{type: "state", state: "uploading" | "listing"}} SealState
 * @typedef {{type: "retrying", attempt: number, waitMs: number, code: string}} Retrying no connection; trying again by itself
 * @typedef {{type: "progress", sealedBytes: number, totalBytes: number}} SealProgress bytes that the gateway has
 * @typedef {{type: "done"} & import("./sell.js").Sold} Sealed listed; `buyerLink` is for the seller's eyes
 * @typedef {{type: "error", error: import("../sealing/errors.js").ErrorReport}} Failed
 * @typedef {Started | SealState | Retrying | SealProgress | Sealed | Failed} FromSealWorker
 */

import { sell } from "./sell.js";
import { onMessage, paced, post } from "./worker-messages.js";

/** @type {AbortController} */
let running = new AbortController();

onMessage(async (/** @type {ToSealWorker} */ message) => {
  if (message.type === "cancel") return running.abort();
  const { gateway, token, ...sale } = message;
  running = new AbortController();
  const link = { gateway, secret: token, signal: running.signal };
  const preview = sale.preview && { ...sale.preview, content: new Uint8Array(sale.preview.content) };
  post({ type: "done", ...(await sell({ ...sale, preview, link }, events)) });
});

/** @type {import("./sell.js").SellEvents} */
const events = {
  onStarted: (resume) => post(/** @type {Started} */ ({ type: "started", resume })),
  onState: (state) => post(/** @type {SealState} */ ({ type: "state", state })),
  onRetry: (retry) => post(/** @type {Retrying} */ ({ type: "retrying", ...retry })),
  onProgress: paced((sealedBytes, totalBytes) => {
    post(/** @type {SealProgress} */ ({ type: "progress", sealedBytes, totalBytes }));
  }),
};
