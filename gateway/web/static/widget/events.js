// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** What a page learns from the widget. Both events bubble. */

/** The state of the purchase in the dialog changed; also dispatched for its first state. */
export class PurchaseStateEvent extends Event {
  static type = /** @type {const} */ ("bitcache:state");

  /**
   * @param {string} purchaseId
   * @param {string} state as in the API's purchases: "new", "processing", "settled", …
   */
  constructor(purchaseId, state) {
    super(PurchaseStateEvent.type, { bubbles: true });
    this.purchaseId = purchaseId;
    this.state = state;
  }
}

/** The buyer has the file. */
export class UnlockedEvent extends Event {
  static type = /** @type {const} */ ("bitcache:unlocked");

  /** @param {string} purchaseId */
  constructor(purchaseId) {
    super(UnlockedEvent.type, { bubbles: true });
    this.purchaseId = purchaseId;
  }
}
