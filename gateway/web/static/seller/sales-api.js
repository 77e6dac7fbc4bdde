/** What was sold, as the gateway tells it (docs/protocol.md §7). */

import { json } from "../client/http.js";
import { token } from "./seller-token.js";

/**
 * @typedef {{rail: string, reference: string, amount_sat: number, status: string}} SalePayment
 * @typedef {{purchase_id: string, file_id: string, state: string, marks: string[], price_sat: number, received_sat: number,
 *   first_seen_at: number, settled_at: number | null, refund_due: boolean, payments: SalePayment[]}} Sale
 * @typedef {{day: number, rail: string, sales: number, received_sat: number}} DaySales
 * @typedef {{today: number, days: DaySales[]}} Days
 */

const LARGEST_PAGE = 200;

/**
 * The newest sales.
 * @param {number} most at most 200
 * @returns {Promise<{sales: Sale[], next: string | null}>}
 */
export const getSales = (most, after = "") => json(`/sales?limit=${most}${after && `&after=${after}`}`, { bearer: token() ?? "" });

/**
 * @param {number} days
 * @returns {Promise<Days>}
 */
export const getDays = (days) => json(`/sales/days?days=${days}`, { bearer: token() ?? "" });

/** @returns {Promise<Sale[]>} all of them, newest first */
export async function allSales() {
  const all = [];
  for (let after = ""; ; ) {
    const page = await getSales(LARGEST_PAGE, after);
    all.push(...page.sales);
    if (page.next === null) return all;
    after = page.next;
  }
}
