// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/**
 * Pay to unlock, on any website:
 *
 *     <script type="module" src="https://gateway.example/bitcache-pay.js"></script>
 *     <bitcache-pay><a href="https://gateway.example/f/<F>#<A>">Buy “Title” for 2 500 sat</a></bitcache-pay>
 *
 * A click opens the gateway's own checkout in a frame inside a native dialog; keys and file stay on the
 * gateway's origin. The page hears `bitcache:state` {purchaseId, state} and `bitcache:unlocked` {purchaseId}.
 * The page's Content-Security-Policy needs the gateway's origin in script-src and frame-src, nothing else.
 * Without JavaScript, with a modifier key held, or where the page lets no frame work, the link is a link.
 *
 * Once there is an invoice, no click beside the dialog and no Escape closes it: the checkout asks first.
 */

const STYLES = `
  dialog { border: 0; padding: 0; margin: auto; width: min(28rem, calc(100vw - 1rem)); max-height: calc(100dvh - 1rem);
    border-radius: 1rem; overflow: hidden; background: Canvas; color: CanvasText; color-scheme: light dark;
    box-shadow: 0 1.5rem 4rem rgb(0 0 0 / 0.28); }
  dialog::backdrop { background: rgb(12 16 24 / 0.55); }
  iframe { display: block; border: 0; width: 100%; height: min(36rem, calc(100dvh - 1rem)); background: transparent; }
  button { position: absolute; inset-block-start: 0.5rem; inset-inline-end: 0.5rem; inline-size: 2.75rem; block-size: 2.75rem;
    border: 0; border-radius: 0.75rem; background: transparent; color: inherit; font: 1.5rem/1 system-ui, sans-serif; cursor: pointer; }
  button:hover { background: rgb(128 128 128 / 0.15); }
  button:focus-visible { outline: 3px solid Highlight; outline-offset: -3px; }
`;

/** How long after the frame's "load" its checkout may still report; it does so before, if it works at all. */
const GRACE_MS = 3000;
/** A frame that never loads. */
const LOADING_MS = 20_000;
/** A checkout that did not answer for so long is closed by the next press of the cross. */
const DEAF_MS = 2000;

const WORDS = { en: { close: "Close", checkout: "Checkout" }, fr: { close: "Fermer", checkout: "Paiement" } };

/** @param {string} language */
export function wordsFor(language) {
  return language.toLowerCase().startsWith("fr") ? WORDS.fr : WORDS.en;
}

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

/**
 * What a message from the checkout's frame asks of the page; everything else is ignored.
 * @param {any} data
 * @returns {{event: string, detail: object} | {height: number} | {ready: true} | {asking: true} | {close: true} | null}
 */
export function messageMeaning(data) {
  if (data?.source !== "bitcache") return null;
  const { type, purchaseId, state, height } = data;
  if (type === "state") return { event: "bitcache:state", detail: { purchaseId, state } };
  if (type === "unlocked") return { event: "bitcache:unlocked", detail: { purchaseId } };
  if (type === "height" && Number.isFinite(height) && height > 0) return { height: Math.ceil(height) };
  if (type === "ready") return { ready: true };
  if (type === "asking") return { asking: true };
  return type === "close" ? { close: true } : null;
}

/** Whether this page sits in a sandbox that takes its origin away: a frame in it can neither keep nor open anything. */
const isOpaque = () => globalThis.origin === "null" && location.protocol !== "file:";

/** Importable where there is no browser. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export class BitcachePay extends Base {
  /** Whether a frame was seen to fail in this page. */
  static #framesFail = false;
  /** @type {Checkout | null} */
  #checkout = null;

  connectedCallback() {
    this.addEventListener("click", this.#onClick);
  }

  /** A page that moves the element does not close the checkout, which is no part of it. */
  connectedMoveCallback() {}

  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || this.#checkout?.hasInvoice || this.close());
  }

  /** Opens the checkout of the link inside. */
  open() {
    const link = this.querySelector("a");
    const address = link && checkoutOf(link.href);
    if (!address || this.#checkout) return;
    const words = wordsFor(this.closest("[lang]")?.getAttribute("lang") || navigator.language);
    const label = link.textContent?.trim() || words.checkout;
    this.#checkout = new Checkout(address, { close: words.close, title: words.checkout, label }, {
      onEvent: (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true })),
      onClose: () => this.#closed(),
      onFailure: () => this.#failed(link),
    });
  }

  /** Closes it, whatever goes on inside; what was begun there is found when it opens again. */
  close() {
    this.#checkout?.close();
  }

  /** @param {MouseEvent} event */
  #onClick = (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || wantsPlainLink(event) || !checkoutOf(link.href) || !("showModal" in HTMLDialogElement.prototype)) return;
    if (BitcachePay.#framesFail || isOpaque()) return aimLink(link);
    event.preventDefault();
    this.open();
  };

  #closed() {
    this.#checkout = null;
    this.querySelector("a")?.focus();
  }

  /** @param {HTMLAnchorElement} link what a click would have done without this element */
  #failed(link) {
    BitcachePay.#framesFail = true;
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

/**
 * @typedef {object} Listener
 * @property {(name: string, detail: object) => void} onEvent
 * @property {() => void} onClose
 * @property {() => void} onFailure the frame does not work here; the dialog is closed
 */

/** The dialog with the gateway's frame. It hangs on the page's body: what becomes of the element does not touch it. */
class Checkout {
  /** One that is not finished: the file is not here yet. */
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
   * @param {{close: string, title: string, label: string}} words
   * @param {Listener} listener
   */
  constructor({ origin, frame }, words, listener) {
    this.#origin = origin;
    this.#listener = listener;
    Object.assign(this.#frame, { src: frame, title: words.title, allow: "clipboard-write", referrerPolicy: "no-referrer" });
    this.#build(words);
    window.addEventListener("message", this.#onMessage);
    this.#frame.addEventListener("load", () => this.#failUnlessReady(GRACE_MS), { once: true });
    this.#failUnlessReady(LOADING_MS);
    this.#dialog.showModal();
  }

  close() {
    this.#closing = true;
    this.#dialog.close();
  }

  /**
   * In a shadow tree, so that neither page nor dialog can restyle the other.
   * @param {{close: string, label: string}} words
   */
  #build({ close, label }) {
    const styles = new CSSStyleSheet();
    styles.replaceSync(STYLES);
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
    const deaf = this.#askedAt !== null && performance.now() - this.#askedAt > DEAF_MS;
    if (!this.hasInvoice || deaf) return this.close();
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
    if ("event" in meaning) this.#tell(meaning.event, meaning.detail);
    else if ("height" in meaning) this.#height.replaceSync(`iframe { height: min(${meaning.height}px, calc(100dvh - 1rem)); }`);
    else if ("asking" in meaning) this.#askedAt = null;
    else if ("close" in meaning) this.close();
  };

  /**
   * @param {string} name
   * @param {object} detail
   */
  #tell(name, detail) {
    this.#unlocked ||= name === "bitcache:unlocked";
    this.hasInvoice = !this.#unlocked;
    this.#listener.onEvent(name, detail);
  }
}

globalThis.customElements?.get("bitcache-pay") ?? globalThis.customElements?.define("bitcache-pay", BitcachePay);
