/**
 * A buyer's client after the payment was seen: download, wait for the share, open (docs/protocol.md §5).
 * buy-worker.js runs it beside a page; tests run it in Node.
 */

import { unb64u } from "../sealing/bytes.js";
import { GroupKeeper, download, fetchGroups } from "./download.js";
import { SealingError } from "../sealing/errors.js";
import { Backoff } from "./backoff.js";
import { checkMetaHash, checkOffer, verifyManifest } from "../sealing/manifest.js";
import { openMetadata } from "../sealing/metadata.js";
import { checkedKey, openStored } from "../sealing/open-file.js";

/** @typedef {import("./file-stores.js").Store} Store */
/** @typedef {{manifest: string, signature: string, meta: string, price_sat: number}} Offer as GET /files/<F> gives it */
/**
 * @typedef {object} Purchase
 * @property {import("./http.js").Connection} link with the claim secret
 * @property {string} fileId b64u
 * @property {string} linkShare b64u; never leaves this machine
 * @property {Offer} offer
 * @property {Promise<string>} share b64u, from GET /share, when the payment is settled
 * @property {(name: string) => Promise<Store>} openStore
 */
/** @typedef {"downloading" | "waiting_for_share" | "opening"} BuyState */
/**
 * @typedef {object} BuyEvents
 * @property {(state: BuyState) => void} onState
 * @property {(phase: "downloading" | "opening", bytes: number, totalBytes: number) => void} onProgress
 * @property {(retry: import("./backoff.js").Retry) => void} onRetry
 */
/** @typedef {{content: Blob, name: string, plain: Store}} Opened `name` is safe to save under */

/**
 * What the offer says, once everything that can be checked before paying was checked.
 * @param {string} fileId b64u, from the link
 * @param {string} linkShare b64u, from the link
 * @param {Offer} offer
 * @throws {import("../sealing/errors.js").SealingError} wrong_key for a wrong link, invalid_manifest, invalid_name, …
 */
export async function readOffer(fileId, linkShare, offer) {
  const sealedMeta = unb64u(offer.meta);
  const parts = { fileId: unb64u(fileId, 16), linkShare: unb64u(linkShare, 16) };
  const manifest = await verifyManifest(offer.manifest, offer.signature);
  await checkMetaHash(manifest, sealedMeta); // before it is opened: else the link would be blamed
  const metadata = await openMetadata(sealedMeta, parts);
  await checkOffer(manifest, { fileId, priceSat: offer.price_sat, metadata });
  return { manifest, metadata };
}

/**
 * @param {Purchase} purchase
 * @param {BuyEvents} events
 * @returns {Promise<Opened>} only when the final chunk was verified and the size is the promised one
 */
export async function receive(purchase, events) {
  const { manifest, metadata } = await readOffer(purchase.fileId, purchase.linkShare, purchase.offer);
  const sealed = await purchase.openStore(`${purchase.fileId}.sealed`);
  try {
    const [fileKey, keeper] = await keyAndBytes(purchase, manifest, sealed, events);
    events.onState("opening");
    const plain = await purchase.openStore(`${purchase.fileId}.plain`);
    const onProgress = (/** @type {number} */ bytes, /** @type {number} */ total) => events.onProgress("opening", bytes, total);
    const content = await openStored(sealed, plain, fileKey, manifest, metadata, onProgress).catch(blaming(keeper, plain));
    await sealed.remove();
    return { content, name: metadata.name, plain };
  } catch (error) {
    // Proven bytes stay for the next attempt.
    sealed.release();
    throw error;
  }
}

/**
 * Waits for both at once, so that a wrong share is told at once and not after hours of downloading; one failure
 * ends the other.
 * @param {Purchase} purchase
 * @param {import("../sealing/manifest.js").Manifest} manifest
 * @param {Store} sealed
 * @param {BuyEvents} events
 */
async function keyAndBytes(purchase, manifest, sealed, events) {
  const stop = new AbortController();
  const given = purchase.link.signal;
  const link = { ...purchase.link, signal: given ? AbortSignal.any([given, stop.signal]) : stop.signal };
  const linkShare = unb64u(purchase.linkShare, 16);
  const key = purchase.share.then((share) => checkedKey(unb64u(share, 32), linkShare, manifest));
  try {
    return await Promise.all([key, fetchSealed({ ...purchase, link }, manifest, sealed, events)]);
  } finally {
    stop.abort();
  }
}

/**
 * Says whose fault it is that the file does not open: where every byte is the signed one, the seller's.
 * @param {GroupKeeper} keeper
 * @param {Store} plain
 * @returns {(error: unknown) => Promise<never>}
 */
function blaming(keeper, plain) {
  return async (error) => {
    await plain.remove();
    if (!(error instanceof SealingError) || !(await keeper.isProven())) throw error;
    throw new SealingError("sealed_wrongly", `the bytes are those that the seller signed, and yet they do not open: ${error.message}`);
  };
}

/**
 * @param {Purchase} purchase
 * @param {import("../sealing/manifest.js").Manifest} manifest
 * @param {Store} sealed
 * @param {BuyEvents} events
 */
async function fetchSealed(purchase, manifest, sealed, events) {
  const { link, fileId } = purchase;
  const backoff = new Backoff({ onRetry: events.onRetry, signal: link.signal });
  events.onState("downloading");
  const keeper = new GroupKeeper(sealed, manifest, await fetchGroups(link, fileId, manifest, backoff));
  const onProgress = (/** @type {number} */ bytes, /** @type {number} */ total) => events.onProgress("downloading", bytes, total);
  await download(link, fileId, keeper, { onProgress, backoff });
  events.onState("waiting_for_share");
  return keeper;
}
