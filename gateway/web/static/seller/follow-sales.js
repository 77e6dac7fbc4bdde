/** The sales on the seller's page, kept as they are without a reload; and a notification when one arrives. */

import { report } from "../sealing/errors.js";
import { h } from "../ui/dom.js";
import { satText } from "../ui/format-numbers.js";
import { errorText, t } from "../ui/translations.js";
import { csvOf, jsonOf } from "./bookkeeping.js";
import { allSales, getDays, getSales } from "./sales-api.js";
import { DAYS } from "./views/sales-chart.js";
import { salesView, saleText } from "./views/sales.js";

/** @typedef {import("./sales-api.js").Sale} Sale */
/** @typedef {import("./views/sales.js").Titles} Titles */

const [SHOWN_MS, HIDDEN_MS] = [5_000, 30_000];
const [FIRST, MORE, MOST] = [5, 50, 200];
const TYPES = { csv: "text/csv;charset=utf-8", json: "application/json" };

/**
 * A section that follows the sales for as long as it is on the page.
 * @param {() => Titles} titles
 * @param {() => void} onChange something was sold, or confirmed, since
 */
export function followSales(titles, onChange) {
  const place = h("div");
  const news = h("p", { class: "visually-hidden", role: "status" });
  const section = h("div", {}, news, place);
  let [most, before, problem, sold] = [FIRST, "", "", ""];
  /** @type {import("./sales-api.js").Days} */
  let days = { today: 0, days: [] };
  /** @type {Set<string> | null} */
  let known = null;

  const show = async () => {
    const page = await getSales(most);
    // The days cost the gateway more to add up, and change only with the sales, or with the day.
    const state = JSON.stringify([page, new Date().getUTCDate()]);
    if (state !== sold) days = await getDays(DAYS);
    sold = state;
    const now = JSON.stringify([page, days, problem, Object.keys(titles()).length, mayAsk()]);
    if (now === before) return;
    before = now;
    replace(place, salesView({ ...page, days, titles: titles(), problem }, { more, save, notify: mayAsk() ? ask : null }));
    const fresh = known && page.sales.filter(({ purchase_id: id }) => !known?.has(id));
    known = new Set(page.sales.map(({ purchase_id: id }) => id));
    if (fresh?.length) tell(fresh[0]);
    if (fresh) onChange();
  };
  const more = () => ((most = Math.min(MOST, most + MORE)), (known = null), show().catch(() => {}));
  const save = async (/** @type {"csv" | "json"} */ kind) => {
    problem = await saveAs(kind, titles()).then(() => "", (error) => errorText(report(error)));
    await show().catch(() => {});
  };
  const ask = async () => (await Notification.requestPermission(), show().catch(() => {}));
  const tell = (/** @type {Sale} */ sale) => {
    const title = titles()[sale.file_id]?.title ?? t("sell.list.unknown");
    news.textContent = `${t("sell.sales.new", { title })} ${saleText(sale)}`;
    if (globalThis.Notification?.permission === "granted") new Notification(t("sell.sales.new", { title }), { body: satText(sale.received_sat), tag: sale.purchase_id });
  };
  follow(section, show);
  return section;
}

/**
 * Show something else in a place; who was on a button there is on the same one afterwards.
 * @param {HTMLElement} place
 * @param {HTMLElement} node
 */
function replace(place, node) {
  const pressed = place.contains(document.activeElement) ? document.activeElement?.textContent : null;
  place.replaceChildren(node);
  if (pressed === null) return;
  const buttons = [...node.querySelectorAll("button, summary")].filter((each) => each.textContent === pressed);
  (/** @type {HTMLElement | undefined} */ (buttons[0]) ?? node.querySelector("button"))?.focus();
}

/**
 * @param {HTMLElement} section
 * @param {() => Promise<void>} show
 */
async function follow(section, show) {
  do {
    await show().catch(() => {}); // the gateway is away: the next round tries again
    await new Promise((resolve) => setTimeout(resolve, document.hidden ? HIDDEN_MS : SHOWN_MS));
  } while (section.isConnected);
}

const mayAsk = () => globalThis.Notification?.permission === "default";

/**
 * @param {"csv" | "json"} kind
 * @param {Titles} titles
 */
async function saveAs(kind, titles) {
  const sales = await allSales();
  const url = URL.createObjectURL(new Blob([kind === "csv" ? csvOf(sales, titles) : jsonOf(sales, titles)], { type: TYPES[kind] }));
  h("a", { href: url, download: `bitcache-sales.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
