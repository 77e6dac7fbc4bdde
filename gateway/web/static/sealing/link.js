/**
 * Buyer's links and recovery links (docs/protocol.md §1).
 *
 *     https://gateway.example/f/<F>#<A>          https://gateway.example/f/<F>#<A>.<C>
 *
 * Errors never quote the link: what stands behind `#` is a secret.
 */

import { unb64u } from "./bytes.js";
import { SealingError } from "./errors.js";
import { CLAIM_SIZE, FILE_ID_SIZE, LINK_SHARE_SIZE } from "./shares.js";

/**
 * All but `gateway` (scheme, host and port) in b64u; with a `claim` it is a recovery link.
 * @typedef {{gateway: string, fileId: string, linkShare: string, claim: string | null}} Link
 */

/**
 * The link in `text`: spaces around it dropped, `%23` repaired, a query ignored.
 * @param {string} text
 * @returns {Link}
 * @throws {SealingError} invalid_link
 */
export function parseLink(text) {
  const repaired = repairLink(text.trim());
  // The URL parser would quietly drop or turn round these characters.
  if (/[\x00-\x20\x7f\\]/.test(repaired)) throw invalid();
  try {
    return takeApart(repaired);
  } catch {
    throw invalid();
  }
}

/**
 * Link scanners rewrite `#` to `%23` and so move the secret into the path; this moves it back.
 * @param {string} url
 * @returns {string} `url` itself where nothing was to repair
 */
export function repairLink(url) {
  return url.includes("#") ? url : url.replace("%23", "#");
}

/**
 * The link as people copy it. It is a secret: never log it.
 * @param {Link} link
 */
export function formatLink({ gateway, fileId, linkShare, claim }) {
  return `${gateway}/f/${fileId}#${linkShare}${claim === null ? "" : `.${claim}`}`;
}

/** @param {string} text */
function takeApart(text) {
  // The URL parser also forgives a missing or third slash; Python's does not, and neither do we.
  if (!/^https?:\/\/[^/?#@]+\//i.test(text)) throw invalid();
  const url = new URL(text);
  const path = /^\/f\/([A-Za-z0-9_-]+)\/?$/.exec(url.pathname);
  const [linkShare, ...claims] = url.hash.slice(1).split(".");
  if (!path || claims.length > 1) throw invalid();
  unb64u(path[1], FILE_ID_SIZE);
  unb64u(linkShare, LINK_SHARE_SIZE);
  if (claims.length > 0) unb64u(claims[0], CLAIM_SIZE);
  return { gateway: url.origin, fileId: path[1], linkShare, claim: claims[0] ?? null };
}

function invalid() {
  return new SealingError("invalid_link", "this is not the link of a file on a gateway");
}
