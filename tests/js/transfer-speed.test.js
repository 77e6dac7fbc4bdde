/** Speed and time left: of the last seconds, and silent while there is nothing to say. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { TransferSpeed } from "../../gateway/web/static/ui/transfer-speed.js";

test("nothing is said of the first two seconds, nor while nothing moves", () => {
  const speed = new TransferSpeed();
  assert.equal(speed.note(0, 1000, 0), null);
  assert.equal(speed.note(100, 1000, 1_999), null);
  assert.deepEqual(speed.note(200, 1000, 2_000), { perSecond: 100, secondsLeft: 8 });
  const idle = new TransferSpeed();
  idle.note(500, 1000, 0);
  assert.equal(idle.note(500, 1000, 60_000), null);
});

test("what counts is the last twenty seconds", () => {
  const speed = new TransferSpeed();
  for (let second = 0; second <= 100; second++) speed.note(second * 1000, 1e6, second * 1000);
  for (let second = 101; second <= 140; second++) speed.note(100_000 + (second - 100) * 10, 1e6, second * 1000);
  const last = speed.note(100_410, 1e6, 141_000);
  assert.ok(last && Math.abs(last.perSecond - 10) < 0.1, String(last?.perSecond));
});

test("an upload that goes on where it stood is not counted as sent at once", () => {
  const speed = new TransferSpeed();
  speed.note(900_000, 1_000_000, 0);
  assert.deepEqual(speed.note(904_000, 1_000_000, 4_000), { perSecond: 1000, secondsLeft: 96 });
});
