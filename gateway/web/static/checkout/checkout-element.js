/**
 * <bitcache-checkout>: the whole purchase, on the buyer's page and in the widget's frame. Its content as the server
 * sent it works without JavaScript and stays until the first screen is ready.
 *
 * Attributes: `embed` inside the widget's frame; `pendingClaim` when a purchase begun without JavaScript may wait.
 */

import { h, setText } from "../ui/dom.js";
import { t } from "../ui/translations.js";
import { Flow } from "./checkout-flow.js";
import { settleIntoFrame, tellState } from "./embed-messages.js";
import { viewNameOf, START } from "./checkout-state.js";
import { announcement } from "./announcement.js";
import { doneView } from "./views/file-ready.js";
import { expiredView } from "./views/payment-expired.js";
import { invoiceView } from "./views/payment-request.js";
import { keepView } from "./views/save-access-link.js";
import { askBeforeLeaving } from "./views/confirm-close.js";
import { offerView } from "./views/offer.js";
import { partView } from "./views/partly-paid.js";
import { troubleView } from "./views/error.js";
import { waitingView } from "./views/awaiting-confirmation.js";

/** @typedef {import("./checkout-state.js").State} State */

/** @type {Record<string, (state: State, act: Flow["act"]) => import("./views/shared-parts.js").View>} */
const VIEWS = {
  offer: offerView,
  keep: keepView,
  part: partView,
  invoice: invoiceView,
  waiting: waitingView,
  expired: expiredView,
  done: doneView,
  trouble: troubleView,
};

export class BitcacheCheckout extends HTMLElement {
  /** @type {Flow | null} */
  #flow = null;
  /** @type {import("./views/shared-parts.js").View | null} */
  #view = null;
  #shown = "";
  #live = h("p", { class: "visually-hidden", role: "status" });

  connectedCallback() {
    if (this.hasAttribute("embed")) settleIntoFrame((close) => this.#asksBeforeLeaving(close));
    addEventListener("hashchange", this.#begin);
    this.#begin();
  }

  disconnectedCallback() {
    removeEventListener("hashchange", this.#begin);
    this.#flow?.stop();
  }

  /** Another link in the same tab changes only the fragment: begin afresh. */
  #begin = () => {
    this.#flow?.stop();
    // What is shown, by the server or of another link, is not checked: nobody pays from it, and the next screen is a new one.
    this.querySelectorAll("button").forEach((button) => (button.disabled = true));
    this.#shown = "";
    const [pendingClaim, embedded] = [this.hasAttribute("pending-claim"), this.hasAttribute("embed")];
    this.#flow = new Flow((before, after) => this.#show(before, after), { pendingClaim, embedded });
    this.#flow.start();
  };

  /**
   * @param {State} before
   * @param {State} after
   */
  #show(before, after) {
    if (!this.#flow || this.#flow.state !== after) return;
    const view = viewNameOf(after);
    if (view === "loading") return;
    const other = before.purchase?.purchase_id !== after.purchase?.purchase_id || before.offer !== after.offer;
    if (view !== this.#shown || other) this.#swap(view, after);
    this.#view?.update(after);
    setText(this.#live, announcement(after));
    document.title = t("page.title", { title: after.offer?.title ?? t("brand") });
    tellState(before, after);
  }

  /**
   * An invoice is not left by accident: it may be paid, or about to be.
   * @param {() => void} close
   */
  #asksBeforeLeaving(close) {
    const { purchase, file, accessLink, keeps } = this.#flow?.state ?? START;
    if (!purchase || file || !accessLink) return false;
    askBeforeLeaving(accessLink, keeps, close);
    return true;
  }

  /**
   * A new screen takes the focus to its heading, but not from someone who is elsewhere on the page.
   * @param {string} view
   * @param {State} state
   */
  #swap(view, state) {
    const first = this.#shown === "";
    const here = this.contains(document.activeElement) || document.activeElement === document.body;
    this.#view = VIEWS[view](state, /** @type {Flow} */ (this.#flow).act);
    this.#shown = view;
    this.replaceChildren(this.#view.node, this.#live);
    if (!first && here) this.#view.node.querySelector("h1")?.focus();
  }
}

customElements.define("bitcache-checkout", BitcacheCheckout);
