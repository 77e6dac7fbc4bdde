/** What a seller types to limit a sale, read and written; without a page. */

/** @typedef {{sell_until: number | null, most_sales: number | null}} Limits */

const LARGEST = 1_000_000;

/**
 * A field's local time → Unix seconds; null where it is empty, undefined where it is not in the future.
 * @param {string} text
 * @param {number | null} before stays to the second where nobody touched it
 * @param {number} [now] Unix seconds
 */
export function fromLocal(text, before, now = Date.now() / 1000) {
  if (text === "") return null;
  if (text === toLocal(before)) return before;
  const time = Math.floor(new Date(text).getTime() / 1000);
  return time > now ? time : undefined;
}

/**
 * Unix seconds → the local time that a field takes, to the minute
 * @param {number | null} time
 */
export function toLocal(time) {
  if (time === null) return "";
  const local = new Date(time * 1000);
  const [month, day, hour, minute] = [local.getMonth() + 1, local.getDate(), local.getHours(), local.getMinutes()].map((part) => String(part).padStart(2, "0"));
  return `${local.getFullYear()}-${month}-${day}T${hour}:${minute}`;
}

/**
 * A number of sales, with or without spaces between its digits; null where it is empty, undefined where it is none.
 * @param {string} text
 */
export function parseSales(text) {
  const digits = text.replace(/\s/g, "");
  if (digits === "") return null;
  const number = /^\d{1,7}$/.test(digits) ? Number(digits) : 0;
  return number >= 1 && number <= LARGEST ? number : undefined;
}
