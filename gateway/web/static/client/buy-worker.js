/**
 * Module worker that downloads sealed bytes as soon as the payment is seen, checks them as they arrive, and opens
 * the file when the share comes. Sealed bytes outlive a reload: start again, and it goes on where it stopped.
 *
 *     const worker = new Worker("/static/client/buy-worker.js", {type: "module"});
 *     worker.postMessage({type: "start", gateway: location.origin, claim, fileId, linkShare, offer});   // state is processing
 *     worker.postMessage({type: "share", share});                                                      // GET /share answered
 *     // "done": save `file` under `name`; then, when it is saved, {type: "discard"}
 *
 * A second `start` while one is under way changes nothing. After `error` post `start` again to try again (and
 * `share` again, if it was there).
 *
 * @typedef {object} StartOpening
 * @property {"start"} type
 * @property {string} gateway scheme, host and port
 * @property {string} claim the claim secret, b64u
 * @property {string} fileId b64u, from the link
 * @property {string} linkShare b64u, from the link
 * @property {import("./buy.js").Offer} offer what GET /files/<F> answered; checked here again
 *
 * @typedef {{type: "share", share: string}} Share b64u; may come at any time after `start`
 * @typedef {StartOpening | Share | {type: "cancel"} | {type: "discard"}} ToOpenWorker
 *   `cancel` stops, keeps what is proven, and ends in an `error` with code "cancelled"; `discard` removes the opened
 *   file from the browser's private storage (left alone, it is removed by a visit more than a day later)
 *
 * @typedef {{type: "state", state: import("./buy.js").BuyState}} OpenState
 * @typedef {{type: "retrying", attempt: number, waitMs: number, code: string}} Retrying no connection; trying again by itself
 * @typedef {{type: "progress", phase: "downloading" | "opening", bytes: number, totalBytes: number}} OpenProgress
 * @typedef {{type: "done", file: File, name: string}} Opened every byte verified. The file's type is always
 *   application/octet-stream: a page of the gateway's origin must not show what a seller made
 * @typedef {{type: "discarded"}} Discarded
 * @typedef {{type: "error", error: import("../sealing/errors.js").ErrorReport}} Failed
 * @typedef {OpenState | Retrying | OpenProgress | Opened | Discarded | Failed} FromOpenWorker
 */

import { receive } from "./buy.js";
import { openStore, sweep } from "./file-stores.js";
import { onMessage, paced, post } from "./worker-messages.js";

/** @typedef {{abort: AbortController, share: (share: string) => void}} Running */

/** @type {Running | null} */
let running = null;
/** @type {import("./file-stores.js").Store | null} */
let plain = null;

onMessage(async (/** @type {ToOpenWorker} */ message) => {
  if (message.type === "start") return start(message);
  if (message.type === "share") return running?.share(message.share);
  if (message.type === "cancel") return running?.abort.abort();
  await plain?.remove();
  plain = null;
  return post({ type: "discarded" });
});

/** @param {StartOpening} message */
async function start({ gateway, claim, fileId, linkShare, offer }) {
  if (running) return;
  const abort = new AbortController();
  /** @type {Promise<string>} */
  const share = new Promise((resolve, reject) => {
    running = { abort, share: resolve };
    abort.signal.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
  });
  // Nobody may be waiting for the share yet when it is cancelled.
  share.catch(() => {});
  const link = { gateway, secret: claim, signal: abort.signal };
  try {
    await sweep(Date.now());
    const opened = await receive({ link, fileId, linkShare, offer, share, openStore }, events);
    plain = opened.plain;
    const file = new File([opened.content], opened.name, { type: "application/octet-stream" });
    post(/** @type {Opened} */ ({ type: "done", file, name: opened.name }));
  } finally {
    running = null;
  }
}

/** @type {import("./buy.js").BuyEvents} */
const events = {
  onState: (state) => post(/** @type {OpenState} */ ({ type: "state", state })),
  onRetry: (retry) => post(/** @type {Retrying} */ ({ type: "retrying", ...retry })),
  onProgress: paced((phase, bytes, totalBytes) => {
    post(/** @type {OpenProgress} */ ({ type: "progress", phase, bytes, totalBytes }));
  }),
};
