// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** Which links and which clicks open a checkout. */

/** A buyer's link, whatever clings to it: the rule of the gateway's own pages (docs/protocol.md §1). */
const LINK =
  /(?:^|[^A-Za-z0-9])([Hh][Tt]{2}[Pp][Ss]?:\/\/(?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{M}\p{N}_.-]+)(?::[0-9]{1,5})?)\/f\/([\w-]{21}[AQgw])\/?(?:\?[^\s#]*)?(?:#|%(?:25)?23)([\w-]{21}[AQgw](?:\.[\w-]{42}[AEIMQUYcgkosw048])?)(?![\w-]|\.[\w-])/gu;

/**
 * The checkout's address for a buyer's link, or null if there is none, or more than one.
 * @param {string} href
 * @returns {{origin: string, frame: string} | null}
 */
export function checkoutOf(href) {
  const frames = new Map();
  for (const [, gateway, file, secret] of href.matchAll(LINK)) {
    if (!URL.canParse(gateway)) return null;
    const { origin } = new URL(gateway);
    const frame = `${origin}/f/${file}?embed#${secret}`;
    frames.set(frame, { origin, frame });
  }
  return frames.size === 1 ? frames.values().next().value : null;
}

/**
 * A click that asks for something else than "open it here": another tab, a download, another button.
 * @param {MouseEvent} event
 */
export function wantsPlainLink(event) {
  return event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
}
