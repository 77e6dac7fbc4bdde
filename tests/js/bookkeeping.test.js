/** Sales as spreadsheets and programs read them, and as bars. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { csvOf, jsonOf } from "../../gateway/web/static/seller/bookkeeping.js";
import { readVectors } from "./support.js";
import { barsOf, DAYS } from "../../gateway/web/static/seller/views/sales-chart.js";

const paid = (rail, reference, amount) => ({ rail, reference, amount_sat: amount, status: "final" });
const sale = (more = {}) => ({
  purchase_id: "T1", file_id: "F1", state: "settled", marks: [], price_sat: 2500, received_sat: 2500, first_seen_at: 1795789555, settled_at: 1795789600,
  payments: [paid("lightning", "ab", 2500)], ...more,
});

for (const { name, sales, titles, rows } of readVectors("bookkeeping.json").cases) {
  test(`as a spreadsheet: ${name}`, () => {
    const titled = Object.fromEntries(Object.entries(titles).map(([fileId, title]) => [fileId, { title }]));
    const [head, rest] = [csvOf([], {}), csvOf(sales, titled)];
    assert.equal(rest, head + rows.map((row) => `${row}\r\n`).join(""));
  });
}

test("a program gets everything, with the title", () => {
  assert.deepEqual(JSON.parse(jsonOf([sale()], { F1: { title: "A" } })), { sales: [{ ...sale(), title: "A" }] });
  assert.equal(JSON.parse(jsonOf([sale()], {})).sales[0].title, null);
});

test("thirty days, each with what it brought by each rail", () => {
  const today = 20_784 * 86_400;
  const bars = barsOf({ today, days: [
    { day: today, rail: "onchain", sales: 1, received_sat: 5 }, { day: today, rail: "lightning", sales: 1, received_sat: 7 },
    { day: today - 29 * 86_400, rail: "simulated", sales: 1, received_sat: 1 }, { day: today - 30 * 86_400, rail: "onchain", sales: 1, received_sat: 9 },
  ] });
  assert.equal(bars.length, DAYS);
  assert.deepEqual(bars.at(-1), { day: today, onchain: 5, lightning: 7 });
  assert.deepEqual(bars[0], { day: today - 29 * 86_400, onchain: 1, lightning: 0 });
});
