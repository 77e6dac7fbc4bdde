// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The Bitcache authors

/**
 * Pay to unlock, on any website:
 *
 *     <script type="module" src="https://gateway.example/bitcache-pay.js"></script>
 *     <bitcache-pay><a href="https://gateway.example/f/<F>#<A>">Buy “Title” for 2 500 sat</a></bitcache-pay>
 *
 * A click opens the gateway's own checkout in a frame inside a native dialog; keys and file stay on the
 * gateway's origin. The page hears `bitcache:state` {transferId, state} and `bitcache:unlocked` {transferId}.
 * The page's Content-Security-Policy needs the gateway's origin in script-src and frame-src, nothing else.
 * Without JavaScript, or with a modifier key held, the link is a link.
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
 * @returns {{event: string, detail: object} | {height: number} | {close: true} | null}
 */
export function messageMeaning(data) {
  if (data?.source !== "bitcache") return null;
  const { type, transferId, state, height } = data;
  if (type === "state") return { event: "bitcache:state", detail: { transferId, state } };
  if (type === "unlocked") return { event: "bitcache:unlocked", detail: { transferId } };
  if (type === "height" && Number.isFinite(height) && height > 0) return { height: Math.ceil(height) };
  return type === "close" ? { close: true } : null;
}

/** Importable where there is no browser. */
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? class {});

export class BitcachePay extends Base {
  /** @type {HTMLDialogElement | null} */
  #dialog = null;
  /** @type {HTMLIFrameElement | null} */
  #frame = null;
  #origin = "";
  /** @type {CSSStyleSheet | null} */
  #height = null;

  connectedCallback() {
    this.addEventListener("click", this.#onClick);
    window.addEventListener("message", this.#onMessage);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#onClick);
    window.removeEventListener("message", this.#onMessage);
    this.close();
  }

  /** Opens the checkout of the link inside. */
  open() {
    const link = this.querySelector("a");
    const checkout = link && checkoutOf(link.href);
    if (!checkout || this.#dialog) return;
    this.#origin = checkout.origin;
    this.#build(checkout.frame, link.textContent?.trim() ?? "");
  }

  close() {
    this.#dialog?.close();
  }

  /** @param {MouseEvent} event */
  #onClick = (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || wantsPlainLink(event) || !checkoutOf(link.href) || !("showModal" in HTMLDialogElement.prototype)) return;
    event.preventDefault();
    this.open();
  };

  /**
   * The dialog lives in a shadow tree, so that neither page nor dialog can restyle the other.
   * @param {string} address
   * @param {string} label
   */
  #build(address, label) {
    const words = wordsFor(this.closest("[lang]")?.getAttribute("lang") || navigator.language);
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    this.#height = new CSSStyleSheet();
    const styles = new CSSStyleSheet();
    styles.replaceSync(STYLES);
    root.adoptedStyleSheets = [styles, this.#height];
    this.#frame = document.createElement("iframe");
    Object.assign(this.#frame, { src: address, title: words.checkout, allow: "clipboard-write", referrerPolicy: "no-referrer" });
    root.append(this.#dialogWith(this.#frame, words.close, label || words.checkout));
    document.body.append(host);
    this.#dialog?.showModal();
  }

  /**
   * @param {HTMLIFrameElement} frame
   * @param {string} close
   * @param {string} label
   */
  #dialogWith(frame, close, label) {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", label);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: "×", ariaLabel: close, autofocus: true });
    button.addEventListener("click", () => dialog.close());
    // The dialog has no padding: a click on the element itself is a click on its backdrop.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", this.#onClose, { once: true });
    // First, and with the focus: Escape works before the frame has loaded, and when it never does.
    dialog.append(button, frame);
    this.#dialog = dialog;
    return dialog;
  }

  /** The browser gives focus back to the link, which had it when the dialog opened. */
  #onClose = () => {
    const host = /** @type {ShadowRoot | undefined} */ (this.#dialog?.getRootNode())?.host;
    this.#dialog = this.#frame = this.#height = null;
    host?.remove();
    this.querySelector("a")?.focus();
  };

  /** @param {MessageEvent} message */
  #onMessage = (message) => {
    if (!this.#frame || message.origin !== this.#origin || message.source !== this.#frame.contentWindow) return;
    const meaning = messageMeaning(message.data);
    if (!meaning) return;
    if ("event" in meaning) this.dispatchEvent(new CustomEvent(meaning.event, { detail: meaning.detail, bubbles: true }));
    else if ("height" in meaning) this.#height?.replaceSync(`iframe { height: min(${meaning.height}px, calc(100dvh - 1rem)); }`);
    else this.close();
  };
}

globalThis.customElements?.get("bitcache-pay") ?? globalThis.customElements?.define("bitcache-pay", BitcachePay);
