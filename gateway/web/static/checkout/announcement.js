/** What a screen reader is told when something happened: one short sentence per turn of events, never a countdown. */

import { satText } from "../ui/format-numbers.js";
import { errorText, t } from "../ui/translations.js";
import { viewNameOf } from "./checkout-state.js";

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {string}
 */
export function announcement(state) {
  const { purchase } = state;
  const view = viewNameOf(state);
  if (view === "trouble" && state.trouble) return errorText(state.trouble);
  if (view === "done") return t("done.title");
  if (view === "expired") return t("expired.title");
  if (view === "waiting" && purchase) return waiting(state, purchase);
  if (view !== "invoice" || !purchase) return "";
  if (purchase.received_sat === 0) return t("step.pay.now");
  return t("invoice.partial", { received: satText(purchase.received_sat), due: satText(purchase.due_sat) });
}

/**
 * @param {import("./checkout-state.js").State} state
 * @param {import("./checkout-state.js").Purchase} purchase
 */
function waiting({ downloadedAt }, purchase) {
  if (purchase.state === "invalid") return t("undone.title");
  if (purchase.released) return t(downloadedAt === null ? "step.confirm.done" : "step.open.now");
  const blocks = { have: purchase.confirmations, n: purchase.confirmations_required };
  return `${t("step.pay.done")}. ${t("step.confirm.now", blocks)}`;
}
