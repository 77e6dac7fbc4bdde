/**
 * Inside the widget's frame: what the page around may know. Any page may embed the checkout, so the target origin
 * is "*"; that is sound because no message holds more than a transfer id, a state and a height. The link, the claim
 * and the file never leave this frame.
 */

/** @param {{type: "state", transferId: string, state: string} | {type: "unlocked", transferId: string} | {type: "height", height: number} | {type: "close"}} message */
function tell(message) {
  if (parent !== window) parent.postMessage({ source: "bitcache", ...message }, "*");
}

/**
 * @param {import("./state.js").State} before
 * @param {import("./state.js").State} after
 */
export function tellState(before, after) {
  if (!after.transfer) return;
  const { transfer_id: transferId, state } = after.transfer;
  if (before.transfer?.transfer_id !== transferId || before.transfer.state !== state) tell({ type: "state", transferId, state });
  if (after.file && !before.file) tell({ type: "unlocked", transferId });
}

/** Keeps the frame as tall as its content, and passes Escape on, which the dialog outside cannot hear. */
export function settleIntoFrame() {
  new ResizeObserver(() => tell({ type: "height", height: document.body.scrollHeight })).observe(document.body);
  addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && tell({ type: "close" }));
}
