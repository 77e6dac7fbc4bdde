// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** The element's class. Importing it defines nothing: `BitcachePayElement.define()` does, and so does bitcache-pay.js. */

import { CheckoutDialog } from "./checkout-dialog.js";
import { checkoutOf, wantsPlainLink } from "./checkout-link.js";
import { textsFor } from "./widget-texts.js";

/** Whether this page sits in a sandbox that takes its origin away: a frame in it can neither keep nor open anything. */
const isOpaque = () => globalThis.origin === "null" && location.protocol !== "file:";

/** Importable where there is no browser. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

/**
 * `<bitcache-pay>`: around a buyer's link, whose click then opens the checkout on the same page.
 * @fires PurchaseStateEvent
 * @fires UnlockedEvent
 */
export class BitcachePayElement extends Base {
  /** Whether a frame failed in this page: then links stay links. */
  static #framesFail = false;
  /** @type {CheckoutDialog | null} */
  #checkout = null;

  /**
   * Make a page's `<bitcache-pay>` elements work. A second widget in the page, of any gateway, changes nothing.
   * @param {string} name
   * @param {CustomElementRegistry} registry
   */
  static define(name = "bitcache-pay", registry = customElements) {
    if (!registry.get(name)) registry.define(name, this);
    return this;
  }

  connectedCallback() {
    this.addEventListener("click", this.#onClick);
  }

  /** A page that moves the element does not close the checkout, which is no part of it. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || this.#checkout?.hasInvoice || this.close());
  }

  /** Open the checkout of the link inside; do nothing if it is open or there is no such link. */
  open() {
    const link = this.querySelector("a");
    const address = link && checkoutOf(link.href);
    if (!address || this.#checkout) return;
    const texts = textsFor(this.closest("[lang]")?.getAttribute("lang") || navigator.language);
    const label = link.textContent?.trim() || texts.checkout;
    this.#checkout = new CheckoutDialog(address, { close: texts.close, title: texts.checkout, label }, {
      onEvent: (event) => this.dispatchEvent(event),
      onClose: () => this.#closed(),
      onFailure: () => this.#failed(link),
    });
  }

  /** Close the checkout, whatever goes on inside; a purchase that was begun continues when it opens again. */
  close() {
    this.#checkout?.close();
  }

  /** @param {MouseEvent} event */
  #onClick = (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || wantsPlainLink(event) || !checkoutOf(link.href) || !("showModal" in HTMLDialogElement.prototype)) return;
    if (BitcachePayElement.#framesFail || isOpaque()) return aimLink(link);
    event.preventDefault();
    this.open();
  };

  #closed() {
    this.#checkout = null;
    this.querySelector("a")?.focus();
  }

  /** @param {HTMLAnchorElement} link what a click would have done without this element */
  #failed(link) {
    BitcachePayElement.#framesFail = true;
    aimLink(link);
    link.click();
  }
}

/**
 * The buyer's page refuses to be framed: from a page that is itself in a frame it opens beside it.
 * @param {HTMLAnchorElement} link
 */
function aimLink(link) {
  if (window !== window.top && !link.target) link.target = "_blank";
}
