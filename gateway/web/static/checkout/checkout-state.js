/**
 * The checkout as one value and one pure function. Everything that happens is an event; what is shown
 * follows from the state alone (views/, progress-steps.js), so a reload or a lost connection cannot confuse it.
 */

/**
 * @typedef {"new" | "processing" | "settled" | "expired" | "invalid"} InvoiceState
 * @typedef {{purchase_id: string, file_id: string, state: InvoiceState, marks: string[], amount_sat: number, amount_btc: string,
 *   received_sat: number, confirmed_sat: number, due_sat: number, payment_requests: PaymentRequest[], payments: {rail: string, reference: string}[],
 *   confirmations: number, confirmations_required: number,
 *   created_at: number, expires_at: number, seen_at: number | null, settled_at: number | null, released: boolean,
 *   network: string, taken_down?: string | null}} Purchase as the API sends it; `taken_down`: the operator's reason, before it was released
 * @typedef {{rail: string, destination: string | null, uri: string | null, payable_sat: number, expires_at: number,
 *   sees_unconfirmed: boolean, unavailable: string | null}} PaymentRequest one way to pay
 * @typedef {{fileId: string, title: string, name: string, type: string, size: number, priceSat: number, sealedSize: number, description: string, contact: string,
 *   onchainFeeSat: number | null, demo: boolean, simulated: boolean, paused: string | null,
 *   sellUntil: number | null, salesLeft: number | null}} Offer what was checked before anything is paid
 * @typedef {{mediaType: string, content: Uint8Array<ArrayBuffer>}} Preview
 * @typedef {{name: string, type: string, size: number, blob: Blob | null}} Opened the file, opened and checked; null when it was too
 *   large to keep and is already saved
 * @typedef {{code: string, hint?: string}} Trouble
 */

/**
 * @typedef {object} State
 * @property {Offer | null} offer
 * @property {boolean} embedded inside the widget's frame
 * @property {boolean} keeps this browser keeps claims here
 * @property {boolean} handedOver the purchase goes on in a page of its own
 * @property {string | null} linkToKeep the access link of a purchase that begins when it is kept
 * @property {Preview | null} preview
 * @property {boolean} starting an invoice was asked for
 * @property {number | null} work how far a proof of work is that takes a while: 1 is as long as usual
 * @property {Purchase | null} purchase
 * @property {Purchase | null} part of a link, paid in part: shown, and gone on with by choice alone
 * @property {string | null} accessLink the access link, once there is a purchase
 * @property {{bytes: number, total: number} | null} download sealed bytes
 * @property {number | null} downloadedAt Unix seconds, as all times
 * @property {number | null} openingAt
 * @property {number | null} openedAt
 * @property {Opened | null} file
 * @property {boolean} vanished a payment was seen and is gone again: replaced, or forgotten by the network
 * @property {boolean} payRest the time is up and the buyer sends what is missing
 * @property {boolean} saysPaid the time is up and the buyer has paid already
 * @property {boolean} offline
 * @property {Trouble | null} trouble what stops everything until someone acts
 * @property {Trouble | null} note what went wrong with the last press of a button
 */

/** @type {State} */
export const START = Object.freeze({
  offer: null,
  embedded: false,
  keeps: true,
  handedOver: false,
  linkToKeep: null,
  preview: null,
  starting: false,
  work: null,
  purchase: null,
  part: null,
  accessLink: null,
  download: null,
  downloadedAt: null,
  openingAt: null,
  openedAt: null,
  file: null,
  vanished: false,
  payRest: false,
  saysPaid: false,
  offline: false,
  trouble: null,
  note: null,
});

/**
 * @typedef {{type: "place", embedded: boolean, keeps: boolean} | {type: "offer", offer: Offer} | {type: "preview", preview: Preview} | {type: "start"}
 *   | {type: "work", part: number} | {type: "handedOver"} | {type: "part", purchase: Purchase} | {type: "keepFirst", link: string} | {type: "purchase", purchase: Purchase} | {type: "accessLink", link: string}
 *   | {type: "downloading", bytes: number, total: number} | {type: "downloaded", at: number} | {type: "opening", at: number}
 *   | {type: "opened", at: number, file: Opened} | {type: "payRest"} | {type: "saysPaid"} | {type: "startAgain"} | {type: "retry"}
 *   | {type: "held"} | {type: "offline"} | {type: "online"} | {type: "trouble", trouble: Trouble} | {type: "note", note: Trouble}} Event
 */

const NO_DOWNLOAD = { download: null, downloadedAt: null, openingAt: null };
const NO_PURCHASE = {
  ...NO_DOWNLOAD,
  starting: false,
  purchase: null,
  part: null,
  accessLink: null,
  vanished: false,
  payRest: false,
  saysPaid: false,
  note: null,
  handedOver: false,
  linkToKeep: null,
};

/**
 * @param {State} state
 * @param {Event} event
 * @returns {State}
 */
export function reduce(state, event) {
  switch (event.type) {
    case "place":
      return { ...state, embedded: event.embedded, keeps: event.keeps };
    case "part":
      return { ...state, part: event.purchase, offline: false };
    case "handedOver":
      return { ...state, handedOver: true, starting: false };
    case "keepFirst":
      return { ...state, linkToKeep: event.link, starting: false };
    case "offer":
      return { ...state, offer: event.offer, trouble: null };
    case "preview":
      return { ...state, preview: event.preview };
    case "start":
      return { ...state, starting: true, work: null, note: null };
    case "work":
      return { ...state, work: event.part };
    case "purchase":
      return withPurchase(state, event.purchase);
    case "accessLink":
      return { ...state, accessLink: event.link };
    case "downloading":
      return { ...state, download: { bytes: event.bytes, total: event.total } };
    case "downloaded":
      return { ...state, downloadedAt: state.downloadedAt ?? event.at };
    case "opening":
      return { ...state, openingAt: state.openingAt ?? event.at };
    case "opened":
      return { ...state, openedAt: event.at, file: event.file, trouble: null };
    case "payRest":
      return { ...state, payRest: true };
    case "saysPaid":
      return { ...state, saysPaid: true };
    case "startAgain":
      return { ...state, ...NO_PURCHASE };
    case "retry":
      return { ...state, trouble: null, note: null, ...NO_DOWNLOAD };
    case "held":
      return { ...state, ...NO_DOWNLOAD };
    case "offline":
      return { ...state, offline: true };
    case "online":
      return { ...state, offline: false };
    case "trouble":
      return { ...state, trouble: event.trouble, starting: false };
    case "note":
      return { ...state, note: event.note, starting: false };
  }
}

/**
 * News of another purchase, or older than what is known, changes nothing.
 * @param {State} state
 * @param {Purchase} purchase
 * @returns {State}
 */
function withPurchase(state, purchase) {
  if (state.purchase !== null && state.purchase.purchase_id !== purchase.purchase_id) return state;
  const lost = purchase.received_sat < (state.purchase?.received_sat ?? 0);
  const vanished = !mayDownload(purchase) && (state.vanished || lost);
  return { ...state, purchase, vanished, starting: false, offline: false, note: null };
}

/**
 * The sealed bytes may be fetched: enough was seen, or the file is released.
 * @param {Purchase | null} purchase
 */
export const mayDownload = (purchase) => purchase !== null && (purchase.released || purchase.state === "processing" || purchase.state === "settled");

/**
 * Paid for, as far as anyone can know: enough was seen, or the file was released already.
 * @param {Pick<Purchase, "state" | "released" | "due_sat">} purchase
 */
export const isPaid = ({ state, released, due_sat: due }) => released || (["processing", "settled", "invalid"].includes(state) && due === 0);

/**
 * @typedef {"loading" | "trouble" | "offer" | "part" | "keep" | "invoice" | "waiting" | "expired" | "done"} ViewName
 * @param {State} state
 * @returns {ViewName}
 */
export function viewNameOf(state) {
  const { purchase } = state;
  if (state.file) return "done";
  if (state.trouble) return "trouble";
  if (!state.offer) return "loading";
  if (!purchase && state.part && !state.linkToKeep) return "part";
  if (!purchase) return state.linkToKeep ? "keep" : "offer";
  if (mayDownload(purchase) || purchase.state === "invalid") return "waiting";
  return purchase.state === "expired" && !state.payRest ? "expired" : "invoice";
}
