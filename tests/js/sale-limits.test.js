/** What a seller types to limit a sale. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fromLocal, parseSales, toLocal } from "../../gateway/web/static/seller/sale-limits.js";

const NOW = 1_800_000_000;

test("a local time comes back as it was typed", () => {
  const time = /** @type {number} */ (fromLocal("2027-05-03T14:00", null, NOW));
  assert.equal(toLocal(time), "2027-05-03T14:00");
  assert.equal(fromLocal("", 5, NOW), null);
  assert.equal(toLocal(null), "");
});

test("what nobody touched stays to the second, also when it is over", () => {
  const over = NOW - 12_345;
  assert.equal(fromLocal(toLocal(over), over, NOW), over);
});

test("what is past or no time is refused", () => {
  for (const text of ["2020-01-01T00:00", "gone", toLocal(NOW)]) assert.equal(fromLocal(text, null, NOW), undefined, text);
});

test("a number of sales is whole and in bounds", () => {
  assert.deepEqual(["", " ", "1", "1 000 000", "10"].map(parseSales), [null, null, 1, 1_000_000, 10]);
  for (const text of ["0", "1000001", "-1", "2.5", "2e3", "٣", "ten"]) assert.equal(parseSales(text), undefined, text);
});
