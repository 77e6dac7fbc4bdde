/**
 * Buyer's links and access links (docs/protocol.md §1).
 *
 *     https://gateway.example/f/<F>#<A>          https://gateway.example/f/<F>#<A>.<C>
 *
 * Errors never quote the link: what stands behind `#` is a secret.
 */

import { unb64u } from "./bytes.js";
import { SealingError } from "./errors.js";
import { CLAIM_SIZE, FILE_ID_SIZE, LINK_SHARE_SIZE } from "./key-derivation.js";

/**
 * All but `gateway` (scheme, host and port) in b64u; with a `claim` it is an access link.
 * @typedef {{gateway: string, fileId: string, linkShare: string, claim: string | null}} Link
 */

/** Up to the end of the address; whatever directly precedes a scheme is none of its letters. bitcache-pay.js has the same. */
const LINK =
  /(?:^|[^A-Za-z0-9])([Hh][Tt]{2}[Pp][Ss]?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{M}\p{N}_.-]+)(?::[0-9]{1,5})?)\/f\/([\w-]{22})\/?(?:\?[^\s#]*)?(?:#|%(?:25)?23)([\w-]{22})(?:\.([\w-]{43}))?(?![\w-]|\.[\w-])/gu;

/**
 * The one link in `text`, whatever clings to it, as docs/protocol.md §1 says.
 * @param {string} text
 * @returns {Link}
 * @throws {SealingError} invalid_link
 */
export function parseLink(text) {
  /** @type {Map<string, Link>} */
  const links = new Map();
  try {
    for (const match of text.matchAll(LINK)) {
      const link = takeApart(match);
      links.set(formatLink(link), link);
    }
  } catch {
    throw invalid();
  }
  const [link] = links.values();
  if (links.size !== 1) throw invalid();
  return link;
}

/**
 * The link as people copy it. It is a secret: never log it.
 * @param {Link} link
 */
export function formatLink({ gateway, fileId, linkShare, claim }) {
  return `${gateway}/f/${fileId}#${linkShare}${claim === null ? "" : `.${claim}`}`;
}

/**
 * @param {RegExpMatchArray} match
 * @returns {Link}
 */
function takeApart([, gateway, fileId, linkShare, claim]) {
  unb64u(fileId, FILE_ID_SIZE);
  unb64u(linkShare, LINK_SHARE_SIZE);
  if (claim) unb64u(claim, CLAIM_SIZE);
  return { gateway: new URL(gateway).origin, fileId, linkShare, claim: claim ?? null };
}

function invalid() {
  return new SealingError("invalid_link", "this is not the link of a file on a gateway");
}
