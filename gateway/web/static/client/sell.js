/**
 * A seller's client: seal, upload, sign, list (docs/protocol.md §3-5, §7). sell-worker.js runs it beside a page;
 * tests run it in Node.
 */

import { b64u } from "../sealing/bytes.js";
import { HEADER_SIZE } from "../sealing/cobblestone.js";
import { SealingError } from "../sealing/errors.js";
import { groupRoot } from "../sealing/hash-groups.js";
import { Backoff } from "./backoff.js";
import { formatLink } from "../sealing/file-link.js";
import { MAX_SAT, manifestText, sellerKey, signManifest } from "../sealing/manifest.js";
import { sealMetadata, sealPreview } from "../sealing/metadata.js";
import { sha256 } from "../sealing/webcrypto.js";
import { SealedFile, newSecrets, restoreSecrets, saveSecrets } from "../sealing/seal-file.js";
import { shareHash } from "../sealing/key-derivation.js";
import { forget, list, upload } from "./upload.js";

/** @typedef {import("../sealing/bytes.js").Bytes} Bytes */
/** @typedef {import("../sealing/seal-file.js").SealingState} SealingState */
/** @typedef {import("../sealing/seal-file.js").Secrets} Secrets */
/**
 * @typedef {object} Sale
 * @property {import("./http.js").Connection} link with the seller token
 * @property {File} file
 * @property {string} title
 * @property {string} [description] limited Markdown
 * @property {string} [contact] who sells, and how to reach them
 * @property {number} priceSat whole satoshis
 * @property {import("../sealing/metadata.js").Preview | null} preview
 * @property {CryptoKeyPair} keys Ed25519; see newSellerKeys
 * @property {number} [pieceSize] bytes per request; 4 MiB
 * @property {SealingState} [resume] go on with an upload that broke
 */
/**
 * @typedef {object} SellEvents
 * @property {(resume: SealingState) => void} onStarted before the first byte leaves; keep it until the sale is listed
 * @property {(sealedBytes: number, totalBytes: number) => void} onProgress bytes that the gateway has
 * @property {(state: "uploading" | "listing") => void} onState
 * @property {(retry: import("./backoff.js").Retry) => void} onRetry
 */
/** @typedef {{listing: import("./upload.js").Listing, fileId: string, linkShare: string, buyerLink: string}} Sold */

/**
 * @param {Sale} sale
 * @param {SellEvents} events
 * @returns {Promise<Sold>} `buyerLink` holds the link share, which the gateway never learns
 * @throws {SealingError} invalid_name, invalid_amount, invalid_manifest, file_changed, …; GatewayError
 */
export async function sell(sale, events) {
  const secrets = sale.resume ? restoreSecrets(sale.resume, sale.file) : newSecrets();
  // Everything that can be refused is refused before hours of uploading.
  const described = await describe(sale, secrets);
  const sealed = await SealedFile.create(sale.file, secrets);
  const fileId = b64u(secrets.fileId);
  await sealed.read(HEADER_SIZE, HEADER_SIZE + 1); // a file that cannot be read fails here
  const backoff = new Backoff({ onRetry: events.onRetry, signal: sale.link.signal });
  events.onStarted(saveSecrets(secrets, sale.file));
  events.onState("uploading");
  const resume = sale.resume !== undefined;
  try {
    await upload(sale.link, fileId, sealed, { pieceSize: sale.pieceSize, resume, onProgress: events.onProgress, backoff });
  } catch (error) {
    // Of a file that changed or is gone nothing can be sold: what was uploaded is worthless.
    if (error instanceof SealingError) await forget(sale.link, fileId);
    throw error;
  }
  events.onState("listing");
  const listing = await list(sale.link, fileId, await listingParts(sale, secrets, sealed, described), backoff);
  const linkShare = b64u(secrets.linkShare);
  return { listing, fileId, linkShare, buyerLink: formatLink({ gateway: sale.link.gateway, fileId, linkShare, claim: null }) };
}

/**
 * @param {Sale} sale
 * @param {Secrets} secrets
 */
async function describe({ file, title, description = "", contact = "", priceSat, preview, keys }, secrets) {
  if (!Number.isSafeInteger(priceSat) || priceSat < 1 || priceSat > MAX_SAT) {
    throw new SealingError("invalid_amount", "a price is a whole number of satoshis");
  }
  const publicKey = await sellerKey(keys);
  const metadata = { title, name: file.name, type: file.type, size: file.size, sellerKey: publicKey, description, contact };
  const sealedPreview = preview && (await sealPreview(preview, secrets));
  return { sealedMeta: await sealMetadata(metadata, secrets), sealedPreview, publicKey };
}

/**
 * @param {Sale} sale
 * @param {Secrets} secrets
 * @param {SealedFile} sealed
 * @param {{sealedMeta: Bytes, sealedPreview: Bytes | null, publicKey: Bytes}} described
 * @returns {Promise<import("./upload.js").ListingParts>}
 */
async function listingParts({ priceSat, keys }, { fileId, gatewayShare }, sealed, described) {
  const { sealedMeta, sealedPreview, publicKey } = described;
  const groups = await sealed.groupHashes();
  const manifest = manifestText({
    fileId,
    sealedSize: sealed.size,
    header: sealed.header,
    groupRoot: await groupRoot(groups),
    shareHash: await shareHash(gatewayShare),
    metaHash: await sha256(sealedMeta),
    previewHash: sealedPreview && (await sha256(sealedPreview)),
    priceSat,
    sellerKey: publicKey,
  });
  return { manifest, signature: await signManifest(manifest, keys), groups, sealedMeta, sealedPreview, gatewayShare };
}
