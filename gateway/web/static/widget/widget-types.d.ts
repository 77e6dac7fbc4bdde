// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** The widget's element and events, where the DOM's own types stand. */

import type { BitcachePayElement } from "./bitcache-pay-element.js";
import type { PurchaseStateEvent, UnlockedEvent } from "./events.js";

declare global {
  interface HTMLElementTagNameMap {
    "bitcache-pay": BitcachePayElement;
  }
  interface HTMLElementEventMap {
    "bitcache:state": PurchaseStateEvent;
    "bitcache:unlocked": UnlockedEvent;
  }
}
