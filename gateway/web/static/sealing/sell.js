/**
 * A seller's client: seal, upload, sign, list (docs/protocol.md §3-5, §7). seal-worker.js runs it beside a page;
 * tests run it in Node.
 */

import { b64u } from "./bytes.js";
import { HEADER_SIZE } from "./cobblestone.js";
import { SealingError } from "./errors.js";
import { groupRoot } from "./groups.js";
import { Patience } from "./http.js";
import { formatLink } from "./link.js";
import { MAX_SAT, manifestText, sellerKey, signManifest } from "./manifest.js";
import { sealMetadata, sealPreview } from "./metadata.js";
import { sha256 } from "./primitives.js";
import { SealedFile, newSecrets, restoreSecrets, saveSecrets } from "./seal-file.js";
import { shareHash } from "./shares.js";
import { forget, list, upload } from "./upload.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./seal-file.js").SealingState} SealingState */
/** @typedef {import("./seal-file.js").Secrets} Secrets */
/**
 * @typedef {object} Sale
 * @property {import("./http.js").Link} link with the seller token
 * @property {File} file
 * @property {string} title
 * @property {number} priceSat whole satoshis
 * @property {import("./metadata.js").Preview | null} preview
 * @property {CryptoKeyPair} keys Ed25519; see newSellerKeys
 * @property {number} [pieceSize] bytes per request; 4 MiB
 * @property {SealingState} [resume] go on with an upload that broke
 */
/**
 * @typedef {object} SellEvents
 * @property {(resume: SealingState) => void} onStarted before the first byte leaves; keep it until the sale is listed
 * @property {(sealedBytes: number, totalBytes: number) => void} onProgress bytes that the gateway has
 * @property {(state: "uploading" | "listing") => void} onState
 * @property {(retry: import("./http.js").Retry) => void} onRetry
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
  const patience = new Patience({ onRetry: events.onRetry, signal: sale.link.signal });
  events.onStarted(saveSecrets(secrets, sale.file));
  events.onState("uploading");
  const resume = sale.resume !== undefined;
  try {
    await upload(sale.link, fileId, sealed, { pieceSize: sale.pieceSize, resume, onProgress: events.onProgress, patience });
  } catch (error) {
    // Of a file that changed or is gone nothing can be sold: what was uploaded is worthless.
    if (error instanceof SealingError) await forget(sale.link, fileId);
    throw error;
  }
  events.onState("listing");
  const listing = await list(sale.link, fileId, await listingParts(sale, secrets, sealed, described), patience);
  const linkShare = b64u(secrets.linkShare);
  return { listing, fileId, linkShare, buyerLink: formatLink({ gateway: sale.link.gateway, fileId, linkShare, claim: null }) };
}

/**
 * @param {Sale} sale
 * @param {Secrets} secrets
 */
async function describe({ file, title, priceSat, preview, keys }, secrets) {
  if (!Number.isSafeInteger(priceSat) || priceSat < 1 || priceSat > MAX_SAT) {
    throw new SealingError("invalid_amount", "a price is a whole number of satoshis");
  }
  const publicKey = await sellerKey(keys);
  const metadata = { title, name: file.name, type: file.type, size: file.size, sellerKey: publicKey };
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
