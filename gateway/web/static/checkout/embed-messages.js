/**
 * Inside the widget's frame: what the page around may know. Any page may embed the checkout, so the target origin
 * is "*"; that is sound because no message holds more than a purchase id, a state and a height. The link, the claim
 * and the file never leave this frame.
 */

/**
 * @typedef {{type: "state", purchaseId: string, state: string} | {type: "unlocked", purchaseId: string}
 *   | {type: "height", height: number} | {type: "ready"} | {type: "asking"} | {type: "close"}} Message
 */

/** @param {Message} message */
function tell(message) {
  if (parent !== window) parent.postMessage({ source: "bitcache", ...message }, "*");
}

/**
 * @param {import("./checkout-state.js").State} before
 * @param {import("./checkout-state.js").State} after
 */
export function tellState(before, after) {
  if (!after.purchase) return;
  const { purchase_id: purchaseId, state } = after.purchase;
  if (before.purchase?.purchase_id !== purchaseId || before.purchase.state !== state) tell({ type: "state", purchaseId, state });
  if (after.file && !before.file) tell({ type: "unlocked", purchaseId });
}

/**
 * Says that the checkout works here, keeps the frame as tall as its content, and passes on wishes to close: Escape,
 * which the dialog outside cannot hear, and the page's cross.
 * @param {(close: () => void) => boolean} ask shows a question first, if there is something to lose, and says whether
 */
export function settleIntoFrame(ask) {
  tell({ type: "ready" });
  new ResizeObserver(() => tell({ type: "height", height: document.body.scrollHeight })).observe(document.body);
  const leave = () => tell({ type: ask(() => tell({ type: "close" })) ? "asking" : "close" });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || isAsking(event)) return;
    event.preventDefault(); // else it would close the question, too
    leave();
  });
  addEventListener("message", ({ source, data }) => {
    if (source === parent && data?.source === "bitcache" && data.type === "leave") leave();
  });
}

/**
 * An open question closes by itself.
 * @param {Event} event
 */
const isAsking = ({ target }) => target instanceof Element && target.closest("dialog[open]") !== null;

/** The same page without the frame: link, fragment and all. */
export const ownPage = () => location.origin + location.pathname + location.hash;

/**
 * Opens it beside the page around.
 * @returns {boolean} false where a sandbox forbids it
 */
export function openOwnPage() {
  const opened = window.open(ownPage(), "_blank");
  if (opened) opened.opener = null;
  return opened !== null;
}
