/** What is for sale, checked before anyone is asked to pay: opened with the link share, which no server ever sees. */

import { same, unb64u } from "../sealing/bytes.js";
import { readOffer } from "../client/buy.js";
import { GatewayError, SealingError } from "../sealing/errors.js";
import { parseLink } from "../sealing/file-link.js";
import { openPreview } from "../sealing/metadata.js";
import { sha256 } from "../sealing/webcrypto.js";
import { getFile, getPreview } from "./buyer-api.js";

/** @typedef {import("../sealing/file-link.js").Link} Link */
/** @typedef {import("../sealing/manifest.js").Manifest} Manifest */
/** @typedef {{offer: import("./checkout-state.js").Offer, manifest: Manifest, answer: import("./buyer-api.js").FileAnswer}} Checked */

/**
 * The link that this page was opened with.
 * @returns {Link}
 * @throws {GatewayError | SealingError} with words of its own for a link without its end
 */
export function linkOfPage() {
  if (!globalThis.crypto?.subtle) throw new GatewayError("insecure_context", "no WebCrypto here");
  if (location.hash.length < 2) throw new GatewayError("no_link_share", "nothing after #");
  return parseLink(location.href);
}

/**
 * @param {Link} link
 * @returns {Promise<Checked>}
 * @throws {SealingError | GatewayError}
 */
export async function loadOffer(link) {
  const answer = await getFile(link.fileId);
  const { manifest, metadata } = await readOffer(link.fileId, link.linkShare, answer);
  const { title, name, type, size, description = "", contact = "" } = metadata;
  const { demo, simulated, paused, onchain_fee_sat: onchainFeeSat = null, sell_until: sellUntil = null, sales_left: salesLeft = null } = answer;
  const { priceSat, sealedSize } = manifest;
  return { offer: { fileId: link.fileId, title, name, type, size, description, contact, priceSat, sealedSize, onchainFeeSat, demo, simulated, paused, sellUntil, salesLeft }, manifest, answer };
}

/**
 * The free sample, or null when there is none. One that does not open is no reason to hide the offer.
 * @param {Link} link
 * @param {Manifest} manifest
 * @returns {Promise<import("./checkout-state.js").Preview | null>}
 */
export async function loadPreview(link, manifest) {
  if (!manifest.previewHash) return null;
  const sealed = await getPreview(link.fileId);
  if (!same(await sha256(sealed), manifest.previewHash)) throw new SealingError("invalid_manifest", "another preview was signed");
  return openPreview(sealed, { linkShare: unb64u(link.linkShare, 16), fileId: unb64u(link.fileId, 16) });
}
