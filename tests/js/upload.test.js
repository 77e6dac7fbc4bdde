import assert from "node:assert/strict";
import { test } from "node:test";

import { b64u } from "../../gateway/web/static/sealing/bytes.js";
import { Backoff } from "../../gateway/web/static/client/backoff.js";
import { GROUP_SIZE } from "../../gateway/web/static/sealing/hash-groups.js";
import { newSellerKeys, verifyManifest } from "../../gateway/web/static/sealing/manifest.js";
import { SealedFile, newSecrets, saveSecrets } from "../../gateway/web/static/sealing/seal-file.js";
import { sell } from "../../gateway/web/static/client/sell.js";
import { upload } from "../../gateway/web/static/client/upload.js";
import { FakeGateway } from "./fake-gateway.js";
import { collect, counter } from "./support.js";

const secrets = newSecrets();
const id = b64u(secrets.fileId);
const file = new File([counter(5_000_000)], "song.flac", { type: "audio/flac" });
const sealed = await collect((await SealedFile.create(file, secrets)).pieces());

const setting = () => {
  const gateway = new FakeGateway();
  const link = { gateway: "https://gateway.example", secret: "token", fetch: gateway.fetch };
  return { gateway, link };
};
const hurried = (more = {}) => new Backoff({ attempts: 3, firstWaitMs: 1, ...more });

async function uploaded(gateway, link, more = {}) {
  const source = await SealedFile.create(file, secrets);
  const progress = [];
  await upload(link, id, source, { pieceSize: 2 << 20, backoff: hurried(), onProgress: (done) => progress.push(done), ...more });
  assert.deepEqual(new Uint8Array(gateway.uploads.get(id).bytes), sealed);
  return progress;
}

test("a sealed file arrives whole, in pieces of whole groups, with progress", async () => {
  const { gateway, link } = setting();
  const progress = await uploaded(gateway, link);
  const sizes = gateway.requests.filter(({ method }) => method === "PATCH").map(({ body }) => body.size);
  assert.deepEqual(sizes, [56 + GROUP_SIZE, GROUP_SIZE, GROUP_SIZE, GROUP_SIZE, sealed.length - 56 - 4 * GROUP_SIZE]);
  assert.equal(progress[0], 0);
  assert.equal(progress.at(-1), sealed.length);
});

test("a piece of which only a part arrived goes on from the gateway's offset", async () => {
  const { gateway, link } = setting();
  let broken = 0;
  gateway.breaks = async ({ method, body }) => {
    if (method !== "PATCH" || broken++ !== 1) return undefined;
    const kept = gateway.uploads.get(id);
    kept.bytes = Buffer.concat([kept.bytes, body.subarray(0, 12_345)]);
    throw new TypeError("network error");
  };
  await uploaded(gateway, link);
});

test("a gateway that lost bytes gets them sealed again, the same", async () => {
  const { gateway, link } = setting();
  let broken = 0;
  gateway.breaks = async ({ method }) => {
    if (method !== "PATCH" || broken++ !== 3) return undefined;
    const kept = gateway.uploads.get(id);
    kept.bytes = kept.bytes.subarray(0, 777);
    return new Response(null, { status: 503 });
  };
  await uploaded(gateway, link);
});

/** A proxy that answers 413, as nginx does, to every body over `most` bytes. */
const proxyThatTakes = (gateway, most) => async ({ method, body }) =>
  method === "PATCH" && body.size > most ? new Response("<html>413</html>", { status: 413 }) : undefined;

test("behind a proxy that takes 1 MiB, as nginx does, the pieces become smaller and the page is told", async () => {
  const { gateway, link } = setting();
  gateway.breaks = proxyThatTakes(gateway, 2 ** 20);
  const told = [];
  await uploaded(gateway, link, { backoff: hurried({ onRetry: ({ code }) => told.push(code) }) });
  assert.deepEqual(told, ["body_refused"]);
});

test("a proxy that takes next to nothing is named, not tried for ever", async () => {
  const { gateway, link } = setting();
  gateway.breaks = proxyThatTakes(gateway, 1000);
  await assert.rejects(uploaded(gateway, link), { code: "body_refused", status: 413 });
  assert.ok(gateway.requests.length < 8);
});

test("a file that the gateway itself finds too large is not sent again in small pieces", async () => {
  const { gateway, link } = setting();
  gateway.breaks = async ({ method }) =>
    method === "PATCH" ? Response.json({ code: "upload_too_large", detail: "d", hint: "h" }, { status: 413 }) : undefined;
  await assert.rejects(uploaded(gateway, link), { code: "upload_too_large" });
  assert.equal(gateway.requests.length, 2);
});

test("a creation whose answer was lost is taken for ours", async () => {
  const { gateway, link } = setting();
  let broken = 0;
  gateway.breaks = async (request) => {
    if (request.method !== "POST" || broken++ > 0) return undefined;
    gateway.answer(request);
    throw new TypeError("network error");
  };
  await uploaded(gateway, link);
});

test("an upload resumes after a reload without sending again what arrived", async () => {
  const { gateway, link } = setting();
  gateway.uploads.set(id, { bytes: Buffer.from(sealed.subarray(0, 3_000_001)), length: sealed.length });
  const progress = await uploaded(gateway, link, { resume: true });
  assert.equal(progress[0], 3_000_001);
});

test("a network that stays broken ends in gateway_unreachable, after waits that are announced and grow", async () => {
  const { gateway, link } = setting();
  gateway.breaks = async ({ method }) => {
    if (method === "PATCH") throw new TypeError("network error");
  };
  const waits = [];
  const backoff = hurried({ onRetry: ({ waitMs }) => waits.push(waitMs) });
  await assert.rejects(uploaded(gateway, link, { backoff }), { code: "gateway_unreachable" });
  assert.deepEqual(waits, [1, 2, 4]);
});

test("a refusal is told at once, with the gateway's own code", async () => {
  const { gateway, link } = setting();
  gateway.breaks = async () => Response.json({ code: "not_signed_in", detail: "d", hint: "h" }, { status: 401 });
  await assert.rejects(uploaded(gateway, link), { code: "not_signed_in", status: 401, hint: "h" });
  assert.equal(gateway.requests.length, 1);
});

const quiet = { onStarted() {}, onProgress() {}, onState() {}, onRetry() {} };
const saleOf = async (link, more = {}) => {
  const keys = await newSellerKeys();
  return { link, file, title: "A song", priceSat: 2500, preview: null, keys, ...more };
};

test("selling seals, uploads, signs and lists, and never shows the gateway the link share", async () => {
  const { gateway, link } = setting();
  const preview = { mediaType: "text/plain", content: new TextEncoder().encode("la la") };
  const sold = await sell(await saleOf(link, { preview }), quiet);
  const listing = gateway.listings.get(sold.fileId);
  const manifest = await verifyManifest(listing.manifest, listing.signature);
  assert.equal(manifest.priceSat, 2500);
  assert.equal(sold.buyerLink, `https://gateway.example/f/${sold.fileId}#${sold.linkShare}`);
  const told = gateway.requests.map(({ url, headers, body }) => url + JSON.stringify([...headers]) + body).join("\n");
  assert.ok(!told.includes(sold.linkShare));
});

test("a listing whose answer was lost is found again", async () => {
  const { gateway, link } = setting();
  let broken = 0;
  gateway.breaks = async (request) => {
    if (request.path !== "/listings" || request.method !== "POST" || broken++ > 0) return undefined;
    gateway.answer(request);
    return new Response(null, { status: 502 });
  };
  const sold = await sell(await saleOf(link), quiet);
  assert.equal(sold.listing.file_id, sold.fileId);
});

test("bad prices, titles and previews are refused before anything is sent", async () => {
  const { gateway, link } = setting();
  for (const priceSat of [0, -1, 1.5, NaN, 21e14 + 1]) {
    await assert.rejects(sell(await saleOf(link, { priceSat }), quiet), { code: "invalid_amount" });
  }
  await assert.rejects(sell(await saleOf(link, { title: " " }), quiet), { code: "invalid_name" });
  const preview = { mediaType: "image/svg+xml", content: new Uint8Array(3) };
  await assert.rejects(sell(await saleOf(link, { preview }), quiet), { code: "invalid_manifest" });
  assert.equal(gateway.requests.length, 0);
});

test("going on with a file that changed is refused: its secrets must never seal two contents", async () => {
  const { gateway, link } = setting();
  const resume = { ...saveSecrets(secrets, file), size: file.size - 1 };
  await assert.rejects(sell(await saleOf(link, { resume }), quiet), { code: "file_changed" });
  assert.equal(gateway.requests.length, 0);
});

test("a cancelled upload stops with AbortError", async () => {
  const { gateway, link } = setting();
  const abort = new AbortController();
  gateway.breaks = async ({ method }) => {
    if (method === "PATCH") abort.abort();
  };
  await assert.rejects(uploaded(gateway, { ...link, signal: abort.signal }), { name: "AbortError" });
});
