/** Sales as files for bookkeeping, made here: only this browser knows the titles. */

/** @typedef {import("./sales-api.js").Sale} Sale */
/** @typedef {Record<string, {title: string}>} Titles by file id */

const COLUMNS = ["first_seen_utc", "settled_utc", "state", "file_id", "title", "price_sat", "received_sat", "rail", "reference", "amount_sat", "payment_status", "purchase_id"];

/** @param {number | null} time Unix seconds */
const iso = (time) => (time === null ? "" : new Date(time * 1000).toISOString().replace(".000", ""));

/**
 * A spreadsheet takes what begins with these for a formula: a quotation mark before it keeps it text (OWASP, CSV injection).
 * @param {string} value
 */
const harmless = (value) => (/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);

/** @param {string | number} value */
function cell(value) {
  const text = typeof value === "number" ? String(value) : harmless(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * One row per payment (RFC 4180): a sale that two payments make up has two rows.
 * @param {Sale[]} sales
 * @param {Titles} titles
 */
export function csvOf(sales, titles) {
  const rows = sales.flatMap((sale) =>
    sale.payments.map((paid) => [
      iso(sale.first_seen_at), iso(sale.settled_at), sale.state, sale.file_id, titles[sale.file_id]?.title ?? "", sale.price_sat, sale.received_sat,
      paid.rail, paid.reference, paid.amount_sat, paid.status, sale.purchase_id,
    ]),
  );
  return [COLUMNS, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * @param {Sale[]} sales
 * @param {Titles} titles
 */
export const jsonOf = (sales, titles) => `${JSON.stringify({ sales: sales.map((sale) => ({ ...sale, title: titles[sale.file_id]?.title ?? null })) }, null, 2)}\n`;
