/** <bitcache-seller>: sign in, say where to be paid, publish a file, see what was sold. */

import { newAccountCode } from "../sealing/account-code.js";
import { report } from "../sealing/errors.js";
import { h, present } from "../ui/dom.js";
import { sizeText } from "../ui/format-numbers.js";
import { errorText, t } from "../ui/translations.js";
import { checkConnection, checkPayout, deleteConnection, deleteListing, getListings, getSeller, limitListing, putConnection, putPayout, setListingState } from "./seller-api.js";
import { keepLinks, keptLinks } from "./saved-links.js";
import { changeListing, termsOf } from "./change-listing.js";
import { followSales } from "./follow-sales.js";
import { publish } from "./publish.js";
import { cancelPayoutChange, getAccount, makeToken, revoke, rotateToken, setPayoutDelay } from "./account-api.js";
import { syncIndex } from "./sealed-index.js";
import { signOut, token } from "./seller-token.js";
import { leave, proofOf, signInWith, signUpWith } from "./sign-in.js";
import { accountView, changeNotice } from "./views/account.js";
import { accountCodeView, confirmCodeView } from "./views/sign-up.js";
import { formView } from "./views/sale-form.js";
import { problemLine } from "./views/labelled-field.js";
import { lightningPart, lightningView } from "./views/lightning-setup.js";
import { listingsView } from "./views/listings.js";
import { manageView } from "./views/manage-listing.js";
import { addressList, compareView, gapText, payoutView } from "./views/payout-setup.js";
import { progressView } from "./views/upload-progress.js";
import { proofView, signInView } from "./views/sign-in.js";
import { soldView } from "./views/published.js";
import { publishedNotice } from "./views/published-notice.js";
import { unfinishedView } from "./views/unfinished.js";
import { discard, forgetUnfinished, unfinishedSales } from "./unfinished-sales.js";

/** @typedef {import("./publish.js").Sale} Sale */
/** @typedef {import("./seller-api.js").Listing} Listing */
/** @typedef {import("./saved-links.js").Kept} Kept */
/** @typedef {import("./unfinished-sales.js").Unfinished} Unfinished */

export class BitcacheSeller extends HTMLElement {
  /** @type {import("./seller-api.js").Seller | null} */
  #seller = null;
  #list = h("div", { class: "list" });
  #unfinished = h("div", { hidden: true });
  #listed = "";

  connectedCallback() {
    if (!globalThis.crypto?.subtle) this.#show(problemCard({ code: "insecure_context" }));
    else if (token()) this.#enter();
    else this.#askSignIn();
  }

  /** @param {(Node | string)[]} parts the heading of the screen among them takes the focus */
  #show(...parts) {
    const first = this.querySelector(".card") === null;
    const waits = this.#seller?.payout_change;
    this.replaceChildren(...(waits ? [changeNotice(waits, () => this.#cancelChange())] : []), ...parts);
    if (!first) this.querySelector("h1")?.focus();
  }

  /** @param {string} [problem] */
  #askSignIn(problem) {
    const open = this.getAttribute("sign-up") === "open" || (this.getAttribute("sign-up") === "invite" && invite() !== null);
    this.#show(signInView(this.#signIn, { problem, signUp: open ? () => this.#signUp() : undefined }));
  }

  #signIn = async (/** @type {string} */ text, /** @type {boolean} */ remember) => {
    try {
      await signInWith(text, remember);
    } catch (error) {
      signOut();
      return this.#askSignIn(errorText(report(error)));
    }
    await this.#enter();
  };

  /** @param {string} [code] shown again */
  async #signUp(code) {
    const made = code ?? (await newAccountCode());
    const create = async (/** @type {string} */ name) => {
      await signUpWith(made, name, invite());
      history.replaceState(null, "", location.pathname);
      await this.#enter();
    };
    const confirm = () => this.#show(confirmCodeView(made, { create, back: () => this.#signUp(made) }));
    this.#show(accountCodeView(made, { next: confirm, back: () => this.#askSignIn() }));
  }

  async #enter() {
    try {
      this.#seller = await getSeller();
    } catch (error) {
      const problem = report(error);
      if (problem.code === "not_signed_in") signOut();
      this.#seller = null;
      return this.#askSignIn(errorText(problem));
    }
    syncIndex(this.#seller.account).catch(() => {}); // the next visit tries again
    if (this.#seller.payout || this.#seller.connection) this.#home();
    else this.#askPayout();
  }

  /** @param {string} [before] what was pasted already */
  #askPayout(before) {
    const keep = this.#canSell() ? () => this.#home() : undefined;
    const check = async (/** @type {string} */ descriptor, /** @type {string | null} */ type) => {
      const checked = await checkPayout(descriptor, type);
      if (!view.isConnected) return; // the seller left it meanwhile
      const yes = async () => {
        await this.#withProof((proof) => putPayout(descriptor, type, proof));
      };
      this.#show(compareView(checked, { yes, no: () => this.#askPayout(descriptor), keep }));
    };
    const view = payoutView(check, { before, keep });
    this.#show(view, this.#account());
  }

  #canSell = () => Boolean(this.#seller?.payout || this.#seller?.connection);

  #askConnection() {
    const connect = async (/** @type {string} */ connection) => {
      await checkConnection(connection); // before the account code is asked for
      await this.#withProof((proof) => putConnection(connection, proof));
    };
    this.#show(lightningView(connect, { keep: () => (this.#canSell() ? this.#home() : this.#askPayout()) }), this.#account());
  }

  /**
   * Do what moves the money: once there is something to take away, after the account code was entered again.
   * @param {(proof: string | null) => Promise<unknown>} work
   */
  async #withProof(work) {
    if (this.#seller?.proof_needed) return this.#askProof(work);
    await work(null);
    await this.#enter();
  }

  /**
   * @param {(proof: string) => Promise<unknown>} work
   * @param {string} [problem]
   */
  #askProof(work, problem) {
    const prove = async (/** @type {string} */ text) => {
      try {
        await work(await proofOf(text));
      } catch (error) {
        return this.#askProof(work, errorText(report(error)));
      }
      await this.#enter();
    };
    this.#show(proofView(prove, { problem, cancel: () => this.#enter() }));
  }

  /** @param {{secret?: string, problem?: string}} [news] */
  async #showAccount(news) {
    const account = await getAccount().catch(() => null);
    if (!account) return this.#enter();
    const after = async (/** @type {Promise<unknown>} */ done) => {
      const made = await done.then((secret) => ({ secret: typeof secret === "string" ? secret : undefined }), (error) => ({ problem: errorText(report(error)) }));
      await this.#showAccount(made);
    };
    const act = {
      revoke: (/** @type {number} */ id) => after(revoke(id)),
      rotate: (/** @type {number} */ id) => after(rotateToken(id)),
      make: (/** @type {string} */ name, /** @type {"read" | "sell"} */ scope) => after(makeToken(name, scope)),
      delay: async (/** @type {number} */ seconds) => this.#askProof((proof) => setPayoutDelay(seconds, proof)),
      back: () => this.#enter(),
    };
    this.#show(accountView(account, act, news));
  }

  async #cancelChange() {
    await cancelPayoutChange().catch(() => {}); // the page shows what holds
    await this.#enter();
  }

  async #disconnect() {
    await deleteConnection().catch(() => {}); // the page shows what holds
    await this.#enter();
  }

  /** @param {Parameters<typeof formView>[2]} [before] */
  #home(before) {
    const seller = /** @type {import("./seller-api.js").Seller} */ (this.#seller);
    const { bytes_used: used, bytes_most: most } = seller.quota;
    const limits = { smallest: seller.min_price_sat, largest: seller.max_file_bytes, left: Math.max(0, most - used) };
    const paused = seller.payout?.paused;
    const warning = paused ? [h("p", { class: "notice bad", role: "alert" }, t("sell.payout.paused", { reason: errorText({ code: paused }) }))] : [];
    const sales = followSales(() => keptLinks(seller.account), () => this.#refreshUnlessUsed());
    this.#show(this.#unfinished, formView(limits, this.#publish, before), ...warning, sales, this.#list, this.#account());
    this.#showUnfinished().then(() => this.#refresh()); // it may have found the link of one that is listed
  }

  async #showUnfinished() {
    const account = this.#seller?.account ?? "";
    const act = {
      goOn: (/** @type {Unfinished} */ { resume: _resume, ...sale }, /** @type {File} */ file) => this.#publish([{ ...sale, file }]),
      discard: async (/** @type {Unfinished} */ sale) => {
        await discard(account, sale);
        await this.#showUnfinished();
      },
    };
    const view = unfinishedView(await unfinishedSales(account), act);
    this.#unfinished.hidden = view === null;
    this.#unfinished.replaceChildren(...present([view]));
  }

  #refreshUnlessUsed() {
    if (!this.#list.contains(document.activeElement)) this.#refresh();
  }

  async #refresh() {
    const page = await getListings().catch(() => ({ listings: [], next: null }));
    const mine = { links: keptLinks(this.#seller?.account ?? ""), smallest: this.#seller?.min_price_sat ?? 0 };
    const state = JSON.stringify([page, mine]);
    if (state === this.#listed) return; // who is about to press a button there still finds it
    this.#listed = state;
    const act = {
      show: (/** @type {Listing} */ { price_sat: price }, /** @type {Kept} */ { link, title }) => this.#showSold({ link, title, price }),
      manage: (/** @type {Listing} */ listing) => this.#manage(listing),
    };
    const view = listingsView(page, getListings, mine, act);
    this.#list.replaceChildren(view);
  }

  /** @param {Listing} listing */
  async #manage(listing) {
    const { account, min_price_sat: smallest, deleted_days: days } = /** @type {import("./seller-api.js").Seller} */ (this.#seller);
    const { file_id: fileId } = listing;
    const kept = keptLinks(account)[fileId];
    const terms = kept ? await termsOf(kept.link).catch(() => null) : null; // taken down, or the gateway is away
    const act = {
      save: async (/** @type {import("./change-listing.js").Terms} */ wanted) => {
        await changeListing(kept.link, wanted);
        keepLinks(account, { [fileId]: { ...kept, title: wanted.title, changed: Math.floor(Date.now() / 1000) } });
        syncIndex(account).catch(() => {}); // the next visit tries again
        await this.#enter();
      },
      setState: async (/** @type {Listing["state"]} */ state) => this.#manage({ ...listing, ...(await setListingState(fileId, state)) }),
      limit: async (/** @type {import("./sale-limits.js").Limits} */ limits) => this.#manage({ ...listing, ...(await limitListing(fileId, limits)) }),
      remove: async () => this.#manage({ ...listing, ...(await deleteListing(fileId)) }),
      back: () => this.#enter(),
    };
    this.#show(manageView(listing, { terms, smallest, days }, act));
  }

  /** One after the other; one that fails holds up none. */
  #publish = async (/** @type {Sale[]} */ sales) => {
    const abort = new AbortController();
    const stay = (/** @type {Event} */ event) => event.preventDefault();
    addEventListener("beforeunload", stay);
    const left = [...sales];
    /** @type {{sale: Sale, code: string}[]} */
    const failed = [];
    for (let sale = left.shift(); sale; sale = left.shift()) {
      const problem = await this.#publishOne(sale, { number: sales.length - left.length, n: sales.length }, abort);
      if (problem) failed.push({ sale, ...problem });
      if (abort.signal.aborted) failed.push(...left.splice(0).map((sale) => ({ sale, code: "cancelled" })));
    }
    removeEventListener("beforeunload", stay);
    await this.#published(sales, failed);
  };

  /**
   * @param {Sale} sale
   * @param {{number: number, n: number}} place among how many
   * @param {AbortController} abort
   * @returns {Promise<{code: string} | null>} why it failed
   */
  async #publishOne(sale, place, abort) {
    const account = this.#seller?.account ?? "";
    const progress = progressView(sale.title, place, () => abort.abort());
    this.#show(progress.node);
    try {
      const { fileId, buyerLink } = await publish(account, sale, progress.listener, abort.signal);
      keepLinks(account, { [fileId]: { link: buyerLink, title: sale.title } });
      await forgetUnfinished(account, sale.file);
      syncIndex(account).catch(() => {}); // the next visit tries again
      if (place.n === 1) this.#showSold({ link: buyerLink, title: sale.title, price: sale.price });
      return null;
    } catch (error) {
      return /** @type {any} */ (error).code ? /** @type {{code: string}} */ (error) : report(error);
    }
  }

  /**
   * @param {Sale[]} sales
   * @param {{sale: Sale, code: string}[]} failed
   */
  async #published(sales, failed) {
    if (sales.length === 1 && failed.length === 0) return; // its own page says so
    const again = failed.length ? { ...failed[0].sale, files: failed.map(({ sale }) => sale.file) } : {};
    this.#seller = await getSeller().catch(() => this.#seller); // what is used of the quota
    this.#home({ typed: again, notice: publishedNotice(sales.length - failed.length, failed) });
  }

  /** @param {{link: string, title: string, price: number}} sale */
  #showSold(sale) {
    this.#show(soldView(sale, () => this.#enter()));
  }

  #account() {
    const seller = /** @type {import("./seller-api.js").Seller} */ (this.#seller);
    const out = async () => (await leave(seller.account), (this.#seller = null), this.#askSignIn());
    const away = h("button", { type: "button", class: "plain", onclick: out }, t("sell.signout"));
    const security = h("button", { type: "button", class: "plain", onclick: () => this.#showAccount() }, t("sell.account.title"));
    const change = h("button", { type: "button", class: "plain", onclick: () => this.#askPayout() }, t("sell.payout.change"));
    const name = h("span", { class: "small soft" }, t("sell.as", { name: seller.name }));
    const paid = seller.payout && h("details", {}, h("summary", {}, t("sell.payout.now")), addressList(seller.payout), h("p", {}, gapText(seller.payout)), change);
    const lightning = lightningPart(seller.connection, Math.floor(Date.now() / 1000), { connect: () => this.#askConnection(), disconnect: () => this.#disconnect() });
    const onChain = seller.payout ? null : this.#canSell() && h("button", { type: "button", class: "plain", onclick: () => this.#askPayout() }, t("sell.payout.set"));
    const quota = h("p", { class: "small soft" }, t("sell.quota", { used: sizeText(seller.quota.bytes_used), most: sizeText(seller.quota.bytes_most) }));
    return h("section", { class: "account no-print" }, h("div", { class: "row" }, name, away), ...present([paid, lightning, onChain || null]), security, quota);
  }
}

/** The invitation that this page was opened with. */
const invite = () => /^#invite=([A-Za-z0-9_-]{43})$/.exec(location.hash)?.[1] ?? null;

/** @param {{code: string}} problem */
const problemCard = (problem) => h("div", { class: "card" }, problemLine(errorText(problem)));

customElements.define("bitcache-seller", BitcacheSeller);
