/** What each day brought, as bars; a screen reader hears the sum, and finds the days in a table. */

import { h } from "../../ui/dom.js";
import { day, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";

/** @typedef {import("../sales-api.js").Days} Days */

const DAY = 86_400;
export const DAYS = 30;
const [WIDTH, HEIGHT, GAP] = [600, 120, 4];
const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {{day: number, onchain: number, lightning: number}} Bar satoshis of one day
 * @param {Days} sold
 * @returns {Bar[]} of the last thirty days, the oldest first
 */
export function barsOf({ today, days }) {
  const bars = Array.from({ length: DAYS }, (_, at) => ({ day: today - (DAYS - 1 - at) * DAY, onchain: 0, lightning: 0 }));
  for (const { day: at, rail, received_sat: received } of days) {
    const bar = bars.find((each) => each.day === at);
    if (bar) bar[rail === "lightning" ? "lightning" : "onchain"] += received;
  }
  return bars;
}

/**
 * @param {Bar[]} bars
 * @param {string} label what a screen reader says
 */
export function chart(bars, label) {
  const highest = Math.max(1, ...bars.map(({ onchain, lightning }) => onchain + lightning));
  const step = WIDTH / bars.length;
  const picture = part("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "chart", role: "img", "aria-label": label });
  picture.append(part("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: "axis" }));
  bars.forEach(({ onchain, lightning, day: at }, place) => {
    const low = (onchain / highest) * HEIGHT;
    const high = (lightning / highest) * HEIGHT;
    const title = part("title", {});
    title.textContent = `${day(at)}: ${satText(onchain + lightning)}`;
    const group = part("g", {});
    group.append(title, bar("onchain", place * step, HEIGHT - low, step, low), bar("lightning", place * step, HEIGHT - low - high, step, high));
    picture.append(group);
  });
  return picture;
}

/**
 * @param {string} rail
 * @param {number} x
 * @param {number} y
 * @param {number} step
 * @param {number} height
 */
const bar = (rail, x, y, step, height) => part("rect", { class: rail, x: x + GAP / 2, y, width: step - GAP, height });

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function part(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** @param {Bar[]} bars */
export function table(bars) {
  const row = (/** @type {Bar} */ { day: at, onchain, lightning }) =>
    h("tr", {}, h("th", { scope: "row" }, day(at)), h("td", {}, satText(onchain)), h("td", {}, satText(lightning)));
  const sold = bars.filter(({ onchain, lightning }) => onchain + lightning > 0).reverse();
  const head = h("tr", {}, ...["sell.sales.day", "rail.onchain", "rail.lightning"].map((key) => h("th", { scope: "col" }, t(key))));
  return h("details", {}, h("summary", {}, t("sell.sales.table")), h("table", {}, h("thead", {}, head), h("tbody", {}, ...sold.map(row))));
}
