/**
 * The page in the place of a file that the operator took down: the receipts of purchases whose claims this browser keeps,
 * or an access link names, beside those that the server knew from a cookie; and the widget's frame told that it works.
 */

import { purchaseOf } from "./checkout/buyer-api.js";
import { settleIntoFrame } from "./checkout/embed-messages.js";
import { claimsOf } from "./checkout/saved-claims.js";
import { parseLink } from "./sealing/file-link.js";
import { h } from "./ui/dom.js";
import { moment, satText } from "./ui/format-numbers.js";
import { t } from "./ui/translations.js";

/** @typedef {import("./checkout/checkout-state.js").Purchase} Purchase */

const fileId = location.pathname.split("/")[2];
const paid = /** @type {HTMLElement} */ (document.getElementById("paid"));

function claimOfLink() {
  try {
    return parseLink(location.href).claim;
  } catch {
    return null; // no link with a claim
  }
}

/** @param {Purchase} purchase */
function receipt(purchase) {
  const rows = [
    [t("receipt.paid"), satText(purchase.received_sat)],
    [t("receipt.when"), moment(purchase.settled_at ?? purchase.seen_at ?? purchase.created_at)],
    [t("receipt.transaction"), purchase.payments.map(({ reference }) => reference).join(" ")],
  ];
  const outcome = h("p", {}, t(purchase.released ? "page.down.released" : "page.down.refund"));
  const list = h("dl", { class: "receipt" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  return h("div", { class: "tight", "data-purchase": purchase.purchase_id }, outcome, list);
}

async function showReceipts() {
  // one that the gateway never answered for was never shown anything to pay
  const answered = claimsOf(fileId).filter(({ first, adopted }) => first || adopted);
  const claims = new Set([claimOfLink(), ...answered.map(({ claim }) => claim)]);
  for (const claim of claims) {
    const purchase = claim ? await purchaseOf(claim).catch(() => null) : null;
    if (!purchase || purchase.file_id !== fileId || purchase.received_sat === 0) continue;
    if (paid.querySelector(`[data-purchase="${CSS.escape(purchase.purchase_id)}"]`)) continue;
    paid.append(receipt(purchase));
    paid.hidden = false;
  }
}

if (document.body.classList.contains("embed")) settleIntoFrame(() => false);
showReceipts();
