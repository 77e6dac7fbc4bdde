// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/** The gateway's checkout, in a frame inside a native dialog. Once there is an invoice, only the checkout closes it. */

import { DIALOG_STYLES } from "./dialog-styles.js";
import { UnlockedEvent } from "./events.js";
import { messageMeaning } from "./frame-messages.js";

/** @import { PurchaseStateEvent } from "./events.js" */

/** A checkout that has not reported so long after the frame's "load" does not work here. */
const READY_MS = 3000;
/** A frame that has not loaded by then never will. */
const LOADING_MS = 20_000;
/** A checkout that did not answer for so long is closed by the next press of the cross. */
const SILENT_MS = 2000;

/**
 * @typedef {object} Listener
 * @property {(event: PurchaseStateEvent | UnlockedEvent) => void} onEvent
 * @property {() => void} onClose
 * @property {() => void} onFailure the frame does not work here; the dialog is closed
 */

/** The dialog with the gateway's frame. It hangs on the page's body: what becomes of the element does not touch it. */
export class CheckoutDialog {
  /** Whether there is an invoice and the file is not here yet. */
  hasInvoice = false;
  #unlocked = false;
  #origin;
  #listener;
  #host = document.createElement("div");
  #dialog = document.createElement("dialog");
  #frame = document.createElement("iframe");
  #height = new CSSStyleSheet();
  #ready = false;
  #closing = false;
  /** When the frame was asked whether to close, unless it answered; milliseconds. @type {number | null} */
  #askedAt = null;

  /**
   * @param {{origin: string, frame: string}} address
   * @param {{close: string, title: string, label: string}} texts
   * @param {Listener} listener
   */
  constructor({ origin, frame }, texts, listener) {
    this.#origin = origin;
    this.#listener = listener;
    Object.assign(this.#frame, { src: frame, title: texts.title, allow: "clipboard-write", referrerPolicy: "no-referrer" });
    this.#build(texts);
    window.addEventListener("message", this.#onMessage);
    this.#frame.addEventListener("load", () => this.#failUnlessReady(READY_MS), { once: true });
    this.#failUnlessReady(LOADING_MS);
    this.#dialog.showModal();
  }

  close() {
    this.#closing = true;
    this.#dialog.close();
  }

  /**
   * In a shadow tree, so that neither page nor dialog can restyle the other.
   * @param {{close: string, label: string}} texts
   */
  #build({ close, label }) {
    const styles = new CSSStyleSheet();
    styles.replaceSync(DIALOG_STYLES);
    const root = this.#host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styles, this.#height];
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: "×", ariaLabel: close, autofocus: true });
    button.addEventListener("click", () => this.#leave());
    this.#dialog.setAttribute("aria-label", label);
    // The dialog has no padding: a click on the element itself is a click on its backdrop.
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && !this.hasInvoice && this.close());
    this.#dialog.addEventListener("cancel", this.#onCancel);
    this.#dialog.addEventListener("close", this.#onClose);
    // First, and with the focus: Escape works before the frame has loaded, and when it never does.
    this.#dialog.append(button, this.#frame);
    root.append(this.#dialog);
    document.body.append(this.#host);
  }

  /** @param {number} ms from now */
  #failUnlessReady(ms) {
    setTimeout(() => {
      if (this.#ready || this.#closing) return;
      this.close();
      this.#listener.onFailure();
    }, ms);
  }

  /** With an invoice, the checkout asks what to keep; one that gives no answer cannot keep the dialog open. */
  #leave() {
    const silent = this.#askedAt !== null && performance.now() - this.#askedAt > SILENT_MS;
    if (!this.hasInvoice || silent) return this.close();
    this.#askedAt ??= performance.now();
    this.#frame.focus();
    this.#frame.contentWindow?.postMessage({ source: "bitcache", type: "leave" }, this.#origin);
  }

  /** @param {Event} event */
  #onCancel = (event) => {
    if (!this.hasInvoice) return;
    event.preventDefault();
    this.#leave();
  };

  /** Browsers close a dialog at the second Escape, whatever a page says: then it opens again, its frame untouched. */
  #onClose = () => {
    if (this.hasInvoice && !this.#closing) return this.#dialog.showModal();
    this.#closing = true;
    window.removeEventListener("message", this.#onMessage);
    this.#host.remove();
    this.#listener.onClose();
  };

  /** @param {MessageEvent} message */
  #onMessage = (message) => {
    if (message.origin !== this.#origin || message.source !== this.#frame.contentWindow) return;
    const meaning = messageMeaning(message.data);
    if (!meaning) return;
    this.#ready = true;
    if ("event" in meaning) this.#tell(meaning.event);
    else if ("height" in meaning) this.#height.replaceSync(`iframe { height: min(${meaning.height}px, calc(100dvh - 1rem)); }`);
    else if ("asking" in meaning) this.#askedAt = null;
    else if ("close" in meaning) this.close();
  };

  /** @param {PurchaseStateEvent | UnlockedEvent} event */
  #tell(event) {
    this.#unlocked ||= event instanceof UnlockedEvent;
    this.hasInvoice = !this.#unlocked;
    this.#listener.onEvent(event);
  }
}
