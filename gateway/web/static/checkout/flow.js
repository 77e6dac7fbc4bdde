/** What happens, in order: look at the link, show the offer, begin or find the purchase, watch it, fetch, open, save. */

import { GatewayError, report } from "../sealing/errors.js";
import { formatLink, parseLink } from "../sealing/link.js";
import { demoPay, getShare } from "./api.js";
import { loadOffer, loadPreview } from "./offer.js";
import { begin, resume } from "./purchase.js";
import { Receiver, saveFile } from "./receive.js";
import { mayDownload, reduce, START } from "./state.js";
import { Watch } from "./watch.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Event} Event */

const now = () => Math.floor(Date.now() / 1000);

export class Flow {
  state = START;
  #changed;
  #parked;
  /** @type {import("../sealing/link.js").Link | null} */
  #link = null;
  /** @type {import("./offer.js").Checked | null} */
  #checked = null;
  /** @type {string | null} */
  #claim = null;
  /** @type {Watch | null} */
  #watch = null;
  /** @type {Receiver | null} */
  #receiver = null;
  #sharing = false;

  /**
   * @param {(before: State, after: State) => void} changed
   * @param {boolean} parked a purchase begun without JavaScript may wait in a cookie
   */
  constructor(changed, parked) {
    this.#changed = changed;
    this.#parked = parked;
  }

  /** What the screens' buttons do. */
  act = {
    now,
    pay: () => this.#press(() => this.#begin()),
    demoPay: () => this.#press(() => demoPay(this.#transferId())),
    startAgain: () => this.#press(() => this.#startAgain()),
    saysPaid: () => this.#press(async () => (this.dispatch({ type: "saysPaid" }), this.#watch?.now())),
    payRest: () => this.dispatch({ type: "payRest" }),
    retry: () => this.#retry(),
    save: () => this.#save(),
  };

  async start() {
    try {
      this.#link = linkOfPage();
      this.#checked = await loadOffer(this.#link);
      const found = await resume(this.#link.fileId, { fromLink: this.#link.claim, parked: this.#parked });
      this.dispatch({ type: "offer", offer: this.#checked.offer });
      if (found) this.#follow(found);
      else this.#showSample();
    } catch (error) {
      this.dispatch({ type: "trouble", trouble: report(error) });
    }
  }

  stop() {
    this.#watch?.stop();
    this.#receiver?.stop();
    this.#watch = this.#receiver = null;
  }

  /** @param {Event} event */
  dispatch(event) {
    // A payment that was replaced closes the download again; it goes on with the next news.
    if (event.type === "trouble" && event.trouble.code === "payment_required") event = { type: "held" };
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before) return;
    if (event.type === "trouble" || event.type === "held") this.#dropReceiver();
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
      this.dispatch({ type: "note", note: report(error) });
    }
  }

  async #begin() {
    if (!this.#link || this.state.starting) return;
    this.dispatch({ type: "start" });
    this.#follow(await begin(this.#link.fileId));
  }

  async #startAgain() {
    this.stop();
    this.dispatch({ type: "startAgain" });
    await this.#begin();
  }

  #showSample() {
    const [link, checked] = [this.#link, this.#checked];
    if (!link || !checked) return;
    const show = loadPreview(link, checked.manifest);
    show.then((preview) => preview && this.dispatch({ type: "preview", preview })).catch(() => {});
  }

  /** @param {import("./purchase.js").Purchase} purchase */
  #follow({ claim, transfer }) {
    this.#claim = claim;
    if (this.#link) this.dispatch({ type: "recovery", link: formatLink({ ...this.#link, gateway: location.origin, claim }) });
    const onTransfer = (/** @type {import("./state.js").Transfer} */ news) => this.#onTransfer(news);
    this.#watch = new Watch(transfer.transfer_id, { onTransfer, onOffline: () => this.dispatch({ type: "offline" }) });
    this.#onTransfer(transfer);
  }

  /** @param {import("./state.js").Transfer} transfer */
  #onTransfer(transfer) {
    this.dispatch({ type: "transfer", transfer });
    if (this.state.trouble || this.state.file || !mayDownload(this.state.transfer)) return;
    this.#receive();
    if (transfer.released) this.#openWhenShared();
  }

  #receive() {
    if (this.#receiver || !this.#checked || !this.#link || !this.#claim) return;
    const { fileId, linkShare } = this.#link;
    const { answer, offer } = this.#checked;
    const purchase = { claim: this.#claim, fileId, linkShare, offer: answer, type: offer.type };
    this.#receiver = new Receiver(purchase, (event) => this.dispatch(event), now);
  }

  async #openWhenShared() {
    if (this.#sharing || !this.#claim) return;
    this.#sharing = true;
    try {
      const share = await getShare(this.#claim);
      this.#receiver?.open(share);
    } catch (error) {
      this.#sharing = false;
      const passing = error instanceof GatewayError && (error.status === 0 || error.status === 402 || error.status >= 500);
      if (!passing) this.dispatch({ type: "trouble", trouble: report(error) });
    }
  }

  #dropReceiver() {
    this.#receiver?.stop();
    this.#receiver = null;
    this.#sharing = false;
  }

  #retry() {
    this.dispatch({ type: "retry" });
    if (!this.state.offer) this.start();
    else if (this.state.transfer) this.#onTransfer(this.state.transfer);
  }

  #save() {
    const { file } = this.state;
    if (file?.blob) saveFile(file.blob, file.name);
  }

  #transferId() {
    return this.state.transfer?.transfer_id ?? "";
  }
}

/** @throws {GatewayError | import("../sealing/errors.js").SealingError} with words of its own for a link without its end */
function linkOfPage() {
  if (!globalThis.crypto?.subtle) throw new GatewayError("insecure_context", "no WebCrypto here");
  if (location.hash.length < 2) throw new GatewayError("no_link_share", "nothing after #");
  return parseLink(location.href);
}
