// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** What the checkout in the frame says to the page around it. The frame's side is checkout/embed-messages.js. */

import { PurchaseStateEvent, UnlockedEvent } from "./events.js";

/**
 * Return what a message asks of the page, or null if it is none of the checkout's.
 * @param {any} data
 * @returns {{event: PurchaseStateEvent | UnlockedEvent} | {height: number} | {ready: true} | {asking: true} | {close: true} | null}
 */
export function messageMeaning(data) {
  if (data?.source !== "bitcache") return null;
  const { type, purchaseId, state, height } = data;
  if (type === "state") return { event: new PurchaseStateEvent(purchaseId, state) };
  if (type === "unlocked") return { event: new UnlockedEvent(purchaseId) };
  if (type === "height" && Number.isFinite(height) && height > 0) return { height: Math.ceil(height) };
  if (type === "ready") return { ready: true };
  if (type === "asking") return { asking: true };
  return type === "close" ? { close: true } : null;
}
