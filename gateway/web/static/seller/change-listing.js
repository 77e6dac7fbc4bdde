/** Another price or title for a file on sale: the manifest is signed anew here, and everything else of it stays. */

import { readOffer } from "../client/buy.js";
import { getFile } from "../checkout/buyer-api.js";
import { b64u, unb64u } from "../sealing/bytes.js";
import { parseLink } from "../sealing/file-link.js";
import { manifestText, sellerKey, signManifest } from "../sealing/manifest.js";
import { sealMetadata } from "../sealing/metadata.js";
import { sha256 } from "../sealing/webcrypto.js";
import { signingKeys } from "./publish.js";
import { putListing } from "./seller-api.js";

/** @typedef {{title: string, description: string, contact: string, price: number}} Terms price in satoshis */

/**
 * What is on sale now, as buyers read it.
 * @param {string} link the buyers' link, which opens the description
 * @returns {Promise<Terms>}
 */
export async function termsOf(link) {
  const { fileId, linkShare } = parseLink(link);
  const { manifest, metadata } = await readOffer(fileId, linkShare, await getFile(fileId));
  const { title, description = "", contact = "" } = metadata;
  return { title, description, contact, price: manifest.priceSat };
}

/**
 * @param {string} link
 * @param {Terms} wanted
 */
export async function changeListing(link, { price, ...said }) {
  const { fileId, linkShare } = parseLink(link);
  const parts = { fileId: unb64u(fileId, 16), linkShare: unb64u(linkShare, 16) };
  const { manifest, metadata } = await readOffer(fileId, linkShare, await getFile(fileId));
  const keys = await signingKeys();
  const signer = await sellerKey(keys); // of this browser: the description names it, so buyers accept it
  const sealedMeta = await sealMetadata({ ...metadata, ...said, sellerKey: signer }, parts);
  const text = manifestText({ ...manifest, priceSat: price, metaHash: await sha256(sealedMeta), sellerKey: signer });
  await putListing(fileId, { manifest: text, signature: b64u(await signManifest(text, keys)), meta: b64u(sealedMeta) });
}
