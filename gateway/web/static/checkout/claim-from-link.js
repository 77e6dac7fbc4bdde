/**
 * Whether the claim of a link or a cookie is taken up: whoever made it may hold it, too (docs/protocol.md §1). Python's
 * half: gateway/client/claim_from_link.py; both are held to tests/vectors/claims.json.
 */

/** @typedef {"take" | "part" | "wait" | "leave"} Verdict `part`: the rest may be paid, knowingly; `wait`: not yet */

/**
 * @param {Pick<import("./checkout-state.js").Purchase, "state" | "released" | "received_sat" | "confirmed_sat" | "due_sat">} purchase
 * @returns {Verdict}
 */
export function verdictOn({ state, released, received_sat: received, confirmed_sat: confirmed, due_sat: due }) {
  const paid = state === "processing" || state === "settled" || state === "invalid";
  if (released || (paid && due === 0)) return "take";
  if (received === 0) return "leave";
  return confirmed === received ? "part" : "wait";
}
