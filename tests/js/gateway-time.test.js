/** The gateway's time as its answers tell it: the computer's own clock may say what it likes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { gatewayNow, hearTime } from "../../gateway/web/static/ui/gateway-time.js";

const answer = (time) => ({ headers: new Headers(time === null ? {} : { "Bitcache-Time": time }) });
const near = (expected) => assert.ok(Math.abs(gatewayNow() - expected) <= 2, `${gatewayNow()} is not ${expected}`);

test("before any answer it is this computer's", () => near(Date.now() / 1000));

for (const told of [1, 1_000_000_000, 32_000_000_000]) {
  test(`told ${told}, it is that, and nonsense changes nothing`, () => {
    hearTime(answer(String(told)));
    near(told);
    for (const nonsense of [null, "", "now", "-5", "1.5", "NaN", "99999999999999999999"]) hearTime(answer(nonsense));
    near(told);
  });
}
