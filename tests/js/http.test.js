/** What an answer that is not the gateway's own means, whoever asked. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, request } from "../../gateway/web/static/client/http.js";

const page = (status) => async () => new Response("<html>Bad gateway</html>", { status, headers: { "Content-Type": "text/html" } });
const problem = async () => Response.json({ code: "disk_full", detail: "no room" }, { status: 507 });

/** Both ways to ask, answered by `send`. */
function ways(send) {
  globalThis.fetch = send;
  const connection = { gateway: "https://gateway.example", secret: "s", fetch: send };
  return [call(connection, "GET", "/files/x"), request("/files/x")];
}

for (const [status, code] of [[502, "gateway_unreachable"], [504, "gateway_unreachable"], [413, "body_refused"], [429, "too_many_requests"], [404, "unexpected"]]) {
  test(`a proxy's page with status ${status} is ${code}`, async () => {
    for (const asked of ways(page(status))) await assert.rejects(asked, { name: "GatewayError", code, status });
  });
}

test("a problem of the gateway keeps its own code", async () => {
  for (const asked of ways(problem)) await assert.rejects(asked, { name: "GatewayError", code: "disk_full", status: 507 });
});

test("no answer is gateway_unreachable, and a cancelled request stays cancelled", async () => {
  const silent = async () => {
    throw new TypeError("failed to fetch");
  };
  for (const asked of ways(silent)) await assert.rejects(asked, { code: "gateway_unreachable", status: 0 });
  const cancelled = async () => {
    throw new DOMException("cancelled", "AbortError");
  };
  for (const asked of ways(cancelled)) await assert.rejects(asked, { name: "AbortError" });
});
