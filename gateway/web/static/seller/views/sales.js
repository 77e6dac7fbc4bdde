/** What was sold: sums and a chart of the last days, each sale with its state, files for bookkeeping. Shown anew when something changes. */

import { h } from "../../ui/dom.js";
import { moment, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { barsOf, chart, table } from "./sales-chart.js";

/** @typedef {import("../sales-api.js").Sale} Sale */
/** @typedef {import("../sales-api.js").Days} Days */
/** @typedef {Record<string, {title: string}>} Titles by file id */

/**
 * @typedef {object} SalesActions
 * @property {() => void} more
 * @property {(kind: "csv" | "json") => Promise<void>} save may fail
 * @property {(() => void) | null} notify null: cannot be asked for, or was answered
 */

/**
 * @param {{sales: Sale[], next: string | null, days: Days, titles: Titles, problem?: string}} sold
 * @param {SalesActions} act
 */
export function salesView({ sales, next, days, titles, problem }, act) {
  if (sales.length === 0) return h("div");
  const bars = barsOf(days);
  const more = next !== null && h("button", { type: "button", class: "plain", onclick: act.more }, t("sell.list.more"));
  return h(
    "section",
    { class: "card no-print sales" },
    h("h2", {}, t("sell.sales.title")),
    h("p", {}, sumText(days)),
    chart(bars, t("sell.sales.chart", { sum: satText(bars.reduce((sum, { onchain, lightning }) => sum + onchain + lightning, 0)) })),
    legend(),
    table(bars),
    h("ul", { class: "listings" }, ...sales.map((sale) => row(sale, titles))),
    more,
    problem ? h("p", { class: "small notice bad", role: "alert" }, problem) : "",
    h("div", { class: "row wrap" }, ...files(act), act.notify && h("button", { type: "button", class: "plain", onclick: act.notify }, t("sell.sales.notify"))),
  );
}

/** @param {Days} days */
function sumText({ today, days }) {
  const sum = (/** @type {Days["days"]} */ some) => satText(some.reduce((all, { received_sat: received }) => all + received, 0));
  return t("sell.sales.sums", { today: sum(days.filter(({ day }) => day === today)), month: sum(days) });
}

const legend = () =>
  h("p", { class: "small soft row wrap" }, ...["onchain", "lightning"].map((rail) => h("span", {}, h("span", { class: `swatch ${rail}`, "aria-hidden": "true" }), t(`rail.${rail}`))));

/** @param {SalesActions} act */
const files = (act) => /** @type {const} */ (["csv", "json"]).map((kind) => h("button", { type: "button", class: "plain", onclick: () => act.save(kind) }, t(`sell.sales.${kind}`)));

/**
 * @param {Sale} sale
 * @param {Titles} titles
 */
function row(sale, titles) {
  const rails = [...new Set(sale.payments.map(({ rail }) => t(rail === "lightning" ? "rail.lightning" : "rail.onchain")))];
  const about = [moment(sale.first_seen_at), ...rails].join(" · ");
  return h(
    "li",
    {},
    h("span", { class: "title" }, titles[sale.file_id]?.title ?? t("sell.list.unknown")),
    h("span", { class: "small" }, saleText(sale)),
    h("span", { class: "small soft" }, about),
  );
}

/**
 * How a sale stands, in a sentence.
 * @param {Sale} sale
 */
export function saleText({ state, price_sat: price, received_sat: received, refund_due: refund }) {
  const sums = { received: satText(received), price: satText(price) };
  if (refund) return t("sell.sale.refund", sums);
  if (state === "settled") return t(received > price ? "sell.sale.over" : "sell.sale.settled", sums);
  if (state === "processing") return t("sell.sale.processing", sums);
  if (state === "invalid") return t("sell.sale.invalid", sums);
  return t(received > 0 ? "sell.sale.partial" : "sell.sale.withdrawn", sums);
}
