// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/**
 * Pay to unlock, on any website:
 *
 *     <script type="module" src="https://gateway.example/bitcache-pay.js"></script>
 *     <bitcache-pay><a href="https://gateway.example/f/<F>#<A>">Buy “Title” for 2 500 sat</a></bitcache-pay>
 *
 * A click opens the gateway's own checkout in a frame inside a native dialog; keys and file stay on the
 * gateway's origin. The element dispatches `bitcache:state` {purchaseId, state} and `bitcache:unlocked` {purchaseId}.
 * The page's Content-Security-Policy needs the gateway's origin in script-src and frame-src, nothing else.
 * Without JavaScript, with a modifier key held, or where the page lets no frame work, the link is a link.
 *
 * This module defines the element. widget/bitcache-pay-element.js is the class alone.
 */

import { BitcachePayElement } from "./widget/bitcache-pay-element.js";

export { BitcachePayElement };
export { PurchaseStateEvent, UnlockedEvent } from "./widget/events.js";

if (globalThis.customElements) BitcachePayElement.define();
