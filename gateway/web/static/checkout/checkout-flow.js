/** What happens, in order: look at the link, show the offer, begin or find the purchase, watch it, fetch, open, save. */

import { gatewayNow } from "../ui/gateway-time.js";
import { report } from "../sealing/errors.js";
import { formatLink } from "../sealing/file-link.js";
import { addPaymentRequest, demoPay, showReceipt } from "./buyer-api.js";
import { LIGHTNING } from "./lightning-request.js";
import { checkPurchase, firstOf, shouldRenewLightning } from "./invoice-terms.js";
import { keeps } from "../ui/browser-storage.js";
import { noteClaim } from "./saved-claims.js";
import { Delivery } from "./download-when-paid.js";
import { verdictOn } from "./claim-from-link.js";
import { openOwnPage } from "./embed-messages.js";
import { linkOfPage, loadOffer, loadPreview } from "./verified-offer.js";
import { begin, isUsable, nextClaim, resume, takeUp } from "./resume.js";
import { saveFile } from "./buy-worker-client.js";
import { mayDownload, reduce, START } from "./checkout-state.js";
import { Watch } from "./follow-purchase.js";

/** @typedef {import("./checkout-state.js").State} State */
/** @typedef {import("./checkout-state.js").Event} Event */

export class Flow {
  state = START;
  #changed;
  #pendingClaim;
  /** @type {import("../sealing/file-link.js").Link | null} */
  #link = null;
  /** @type {import("./verified-offer.js").Checked | null} */
  #checked = null;
  /** @type {import("./resume.js").ClaimedPurchase | null} as it was first seen */
  #claimed = null;
  /** @type {import("./resume.js").ClaimedPurchase | null} the link's, while it is paid in part and the buyer has not chosen */
  #part = null;
  /** @type {Watch | null} */
  #watch = null;
  #delivery = new Delivery((event) => this.dispatch(event), gatewayNow);

  /**
   * @param {(before: State, after: State) => void} changed
   * @param {{pendingClaim: boolean, embedded: boolean}} place `pendingClaim`: a purchase begun without JavaScript may wait in a
   *   cookie; `embedded`: inside the widget's frame
   */
  constructor(changed, { pendingClaim, embedded }) {
    this.#changed = changed;
    this.#pendingClaim = pendingClaim;
    this.state = reduce(START, { type: "place", embedded, keeps: keeps() });
  }

  /** What the screens' buttons do. */
  act = {
    now: gatewayNow,
    pay: () => this.#press(() => this.#begin()),
    linkKept: () => this.#press(() => this.#begin({ linkKept: true })),
    demoPay: (/** @type {"onchain" | "lightning"} */ rail) => this.#press(() => demoPay(this.#purchaseId(), rail)),
    askForLightning: () => this.#press(() => addPaymentRequest(this.#purchaseId(), this.#claimed?.claim ?? "", LIGHTNING)),
    showReceipt: (/** @type {string} */ preimage) => this.#press(() => showReceipt(this.#purchaseId(), this.#claimed?.claim ?? "", preimage)),
    startAgain: () => this.#press(() => this.#startAgain()),
    saysPaid: () => this.#press(async () => (this.dispatch({ type: "saysPaid" }), this.#watch?.now())),
    payPart: () => this.#press(async () => this.#payPart()),
    ownPurchase: () => this.#press(() => this.#ownPurchase()),
    payRest: () => this.dispatch({ type: "payRest" }),
    retry: () => this.#retry(),
    save: () => this.#save(),
  };

  async start() {
    try {
      this.#link = linkOfPage();
      this.#checked = await loadOffer(this.#link);
      const { offer } = this.#checked;
      const { found, part, linkUnpaid } = await resume(offer, { fromLink: this.#link.claim, pendingClaim: this.#pendingClaim });
      this.dispatch({ type: "offer", offer });
      if (part) this.#showPart(part);
      else if (found) this.#follow(found);
      else this.#offer(linkUnpaid);
    } catch (error) {
      this.dispatch({ type: "trouble", trouble: report(error) });
    }
  }

  stop() {
    this.#watch?.stop();
    this.#watch = null;
    this.#delivery.stop();
  }

  /** @param {Event} event */
  dispatch(event) {
    // A payment that was replaced closes the download again; it goes on with the next news.
    if (event.type === "trouble" && event.trouble.code === "payment_required") event = { type: "held" };
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before) return;
    if (event.type === "trouble" || event.type === "held") this.#delivery.stop();
    this.#changed(before, this.state);
    if (event.type === "opened") this.#save();
  }

  /**
   * A button was pressed: what fails is a note beside it, and it can be pressed again.
   * @param {() => Promise<unknown>} work
   */
  async #press(work) {
    try {
      await work();
    } catch (error) {
      const note = report(error);
      this.dispatch(note.code === "gateway_dishonest" ? { type: "trouble", trouble: note } : { type: "note", note });
    }
  }

  /** @param {{linkKept?: boolean}} [how] `linkKept`: the buyer has the link, so the claim may be lost here */
  async #begin({ linkKept = false } = {}) {
    if (!this.#checked || this.state.starting) return;
    const { offer } = this.#checked;
    const { claim, stored } = nextClaim(offer.fileId);
    if (!stored && !linkKept) return this.#keepElsewhere(claim);
    this.dispatch({ type: "start" });
    try {
      this.#follow(await begin(offer, claim, (part) => this.dispatch({ type: "work", part })));
    } catch (error) {
      if (report(error).code === "price_changed") await this.#lookAgain();
      throw error;
    }
  }

  /** The seller changed the price since it was shown: show the new one, and begin nothing. */
  async #lookAgain() {
    if (!this.#link) return;
    this.#checked = await loadOffer(this.#link);
    this.dispatch({ type: "offer", offer: this.#checked.offer });
  }

  /**
   * Nothing is begun where a closed page loses it: in a frame the page of its own may keep more; else the buyer does.
   * @param {string} claim
   */
  #keepElsewhere(claim) {
    if (this.state.embedded && openOwnPage()) return this.dispatch({ type: "handedOver" });
    this.dispatch({ type: "keepFirst", link: this.#accessLink(claim) });
  }

  /** @param {string} claim */
  #accessLink(claim) {
    return this.#link ? formatLink({ ...this.#link, gateway: location.origin, claim }) : "";
  }

  async #startAgain() {
    this.stop();
    this.dispatch({ type: "startAgain" });
    await this.#begin();
  }

  /** @param {boolean} linkUnpaid */
  #offer(linkUnpaid) {
    if (linkUnpaid) this.dispatch({ type: "note", note: { code: "link_unpaid" } });
    const [link, checked] = [this.#link, this.#checked];
    if (!link || !checked) return;
    const show = loadPreview(link, checked.manifest);
    show.then((preview) => preview && this.dispatch({ type: "preview", preview })).catch(() => {});
  }

  /**
   * Of a link, paid in part: shown as it changes, and gone on with by itself only when somebody paid it all.
   * @param {import("./resume.js").ClaimedPurchase} part
   */
  #showPart(part) {
    this.#part = part;
    this.#watchOver(part, (purchase) => {
      const verdict = verdictOn(purchase);
      this.#part = { ...part, purchase };
      if (verdict === "part" || verdict === "wait") return this.dispatch({ type: "part", purchase });
      this.stop();
      this.dispatch({ type: "startAgain" });
      if (verdict === "take") this.#follow({ ...part, purchase });
      else this.#offer(true);
    });
  }

  #payPart() {
    const part = this.#part;
    if (!part || verdictOn(part.purchase) !== "part") return;
    this.stop();
    this.#follow(takeUp(part));
  }

  /** The link's stays as it is; one's own is begun, or gone on with. */
  async #ownPurchase() {
    if (!this.#checked) return;
    this.stop();
    this.dispatch({ type: "startAgain" });
    const { found } = await resume(this.#checked.offer, { fromLink: null, pendingClaim: false });
    if (found) this.#follow(found);
    else await this.#begin();
  }

  /**
   * @param {import("./resume.js").ClaimedPurchase} claimed
   * @param {(purchase: import("./checkout-state.js").Purchase) => void} onPurchase hears what is honest, the first at once
   */
  #watchOver({ purchase }, onPurchase) {
    const first = firstOf(purchase);
    const honest = (/** @type {import("./checkout-state.js").Purchase} */ news) => {
      if (this.#checked && this.#isHonest(news, this.#checked.offer, first)) onPurchase(news);
    };
    this.#watch = new Watch(first.purchase_id, { onPurchase: honest, onOffline: () => this.dispatch({ type: "offline" }) });
    honest(purchase);
  }

  /** @param {import("./resume.js").ClaimedPurchase} claimed */
  #follow(claimed) {
    const { claim } = (this.#claimed = claimed);
    this.dispatch({ type: "accessLink", link: this.#accessLink(claim) });
    this.#watchOver(claimed, (purchase) => this.#onPurchase(purchase));
  }

  /** @param {import("./checkout-state.js").Purchase} purchase checked */
  #onPurchase(purchase) {
    const [link, checked, claimed] = [this.#link, this.#checked, this.#claimed];
    if (!link || !checked || !claimed) return;
    noteClaim(link.fileId, claimed.claim, purchase);
    if (!isUsable({ ...claimed, purchase }) && !this.state.file) return this.#leave();
    this.dispatch({ type: "purchase", purchase });
    if (!document.hidden && shouldRenewLightning(purchase, gatewayNow())) this.act.askForLightning();
    if (this.state.trouble || this.state.file || !mayDownload(this.state.purchase)) return;
    const { fileId, linkShare } = link;
    const { answer, offer } = checked;
    this.#delivery.goOn({ claim: claimed.claim, fileId, linkShare, offer: answer, type: offer.type }, purchase.released);
  }

  /**
   * @param {import("./checkout-state.js").Purchase} purchase
   * @param {import("./invoice-terms.js").VerifiedOffer} goods
   * @param {import("./invoice-terms.js").First} first
   */
  #isHonest(purchase, goods, first) {
    try {
      checkPurchase(purchase, goods, first);
      return true;
    } catch (error) {
      this.stop();
      this.dispatch({ type: "trouble", trouble: report(error) });
      return false;
    }
  }

  /** The payment of a link's purchase is gone again: whoever made the link may pay it, nobody here. */
  #leave() {
    this.stop();
    this.#claimed = null;
    this.dispatch({ type: "startAgain" });
    this.#offer(true);
  }

  #retry() {
    this.dispatch({ type: "retry" });
    if (!this.state.offer) this.start();
    else if (this.state.purchase) this.#onPurchase(this.state.purchase);
  }

  #save() {
    const { file } = this.state;
    if (file?.blob) saveFile(file.blob, file.name);
  }

  #purchaseId() {
    return this.state.purchase?.purchase_id ?? "";
  }
}
