/** The two workers in a real browser, against the fake gateway over HTTP. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";

import { FakeGateway } from "./fake-gateway.js";
import { repository } from "./support.js";

const chromium = process.env.CHROMIUM || "/usr/bin/chromium";
const { default: puppeteer } = await import("puppeteer-core").catch(() => ({ default: null }));
const missing = existsSync(chromium) ? "run npm ci in tests/js" : "no Chromium: set CHROMIUM to its path";
const skip = existsSync(chromium) && puppeteer ? false : missing;
const SIZE = 5_000_000;

const gateway = new FakeGateway();
let server;
let browser;
let page;

before(async () => {
  if (skip) return;
  server = createServer((request, response) => answer(request, response).catch((error) => response.destroy(error)));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  page = await browser.newPage();
  await page.goto(`http://localhost:${server.address().port}/`);
  await page.evaluate(helpers);
});

after(async () => {
  await browser?.close();
  server?.close();
});

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const found = pathname.startsWith("/api/v1") ? await fromGateway(request) : await fromFolder(pathname);
  response.writeHead(found.status, Object.fromEntries(found.headers));
  if (found.body) Readable.fromWeb(found.body).on("error", () => response.destroy()).pipe(response);
  else response.end();
}

async function fromGateway(request) {
  const body = await buffer(request);
  const text = request.headers["content-type"] === "application/json";
  return gateway.fetch(`http://localhost${request.url}`, { method: request.method, headers: request.headers, body: text ? body.toString() : body });
}

async function fromFolder(pathname) {
  if (!pathname.startsWith("/static/")) return new Response("<!doctype html><title>test</title>", { headers: { "Content-Type": "text/html" } });
  const path = join(repository, "gateway", "web", normalize(pathname));
  return new Response(await readFile(path), { headers: { "Content-Type": extname(path) === ".js" ? "text/javascript" : "text/plain" } });
}

/** Runs in the page: what the tests call there. */
function helpers() {
  const counter = (length) => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
  globalThis.talk = (name, messages, until) =>
    new Promise((resolve) => {
      const worker = new Worker(`/static/client/${name}.js`, { type: "module" });
      const heard = [];
      worker.onmessage = ({ data }) => {
        heard.push(data);
        if (until.includes(data.type)) resolve({ heard, worker });
      };
      for (const message of messages) worker.postMessage(message);
    });
  globalThis.content = counter;
  globalThis.sameBytes = async (blob, size) => {
    const [found, wanted] = [new Uint8Array(await blob.arrayBuffer()), counter(size)];
    return found.length === size && found.every((byte, i) => byte === wanted[i]);
  };
  globalThis.stored = async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("bitcache", { create: true });
    const files = [];
    for await (const entry of folder.values()) files.push([entry.name.split(".")[1], (await entry.getFile()).size]);
    return files.sort();
  };
}

/** Sells one file through the worker; returns what it said. */
const sellInPage = () =>
  page.evaluate(async (size) => {
    const { newSellerKeys } = await import("/static/sealing/manifest.js");
    const keys = await newSellerKeys();
    const file = new File([content(size)], "song.flac", { type: "audio/flac" });
    const preview = { mediaType: "text/plain", content: new TextEncoder().encode("la") };
    const start = { type: "start", gateway: location.origin, token: "token", file, title: "Song", priceSat: 2500, preview, keys };
    const { heard, worker } = await talk("sell-worker", [start], ["done", "error"]);
    worker.terminate();
    return heard;
  }, SIZE);

/** Buys through the worker. */
const buyInPage = (sold, share, more = {}) =>
  page.evaluate(
    async ({ fileId, linkShare, offer, share, size, discard }) => {
      const start = { type: "start", gateway: location.origin, claim: "claim", fileId, linkShare, offer };
      const messages = share ? [start, { type: "share", share }] : [start];
      const { heard, worker } = await talk("buy-worker", messages, ["done", "error"]);
      const last = heard.at(-1);
      const right = last.file ? await sameBytes(last.file, size) : null;
      const during = await stored();
      if (discard) {
        worker.postMessage({ type: "discard" });
        await new Promise((resolve) => (worker.onmessage = resolve));
      }
      worker.terminate();
      return { heard, right, type: last.file?.type, during, after: await stored() };
    },
    { ...sold, offer: gateway.offer(sold.fileId), share, size: SIZE, ...more },
  );

test("the seal worker seals, uploads and lists in a browser, saying where it stands", { skip }, async () => {
  const heard = await sellInPage();
  const kinds = new Set(heard.map(({ type }) => type));
  assert.deepEqual([...kinds], ["started", "state", "progress", "done"], JSON.stringify(heard.at(-1)));
  const { listing, buyerLink, linkShare } = heard.at(-1);
  assert.ok(buyerLink.endsWith(`/f/${listing.file_id}#${linkShare}`));
});

test("the open worker downloads into private storage, opens, hands over every byte and cleans up", { skip }, async () => {
  const sold = (await sellInPage()).at(-1);
  const bought = await buyInPage(sold, gateway.share(sold.fileId), { discard: true });
  assert.equal(bought.heard.at(-1).type, "done", JSON.stringify(bought.heard.at(-1)));
  assert.equal(bought.heard.at(-1).name, "song.flac");
  assert.equal(bought.right, true);
  assert.equal(bought.type, "application/octet-stream");
  assert.deepEqual(bought.during, [["plain", SIZE]]);
  assert.deepEqual(bought.after, []);
});

test("the open worker keeps proven bytes across visits and fetches only the rest", { skip }, async () => {
  const sold = (await sellInPage()).at(-1);
  gateway.breaks = async ({ path }) => {
    if (!path.endsWith("/bytes")) return undefined;
    return Response.json({ code: "payment_required", detail: "", hint: "" }, { status: 402 });
  };
  assert.equal((await buyInPage(sold)).heard.at(-1).error.code, "payment_required");
  const bytes = gateway.listings.get(sold.fileId).bytes;
  const good = Buffer.from(bytes);
  bytes[3_000_000] ^= 1;
  gateway.breaks = async () => undefined;
  const broken = await buyInPage(sold);
  assert.equal(broken.heard.at(-1).error.code, "tampered");
  assert.deepEqual(broken.after, [["sealed", 56 + 2 * 1_049_600]]);
  good.copy(bytes);
  gateway.requests.length = 0;
  const bought = await buyInPage(sold, gateway.share(sold.fileId), { discard: true });
  assert.equal(bought.right, true);
  const ranges = gateway.requests.filter(({ path }) => path.endsWith("/bytes")).map(({ headers }) => headers.get("Range"));
  assert.deepEqual(ranges, [`bytes=${56 + 2 * 1_049_600}-`]);
});

test("without private storage the open worker works in memory", { skip }, async () => {
  const sold = (await sellInPage()).at(-1);
  const right = await page.evaluate(
    async ({ fileId, linkShare, offer, share, size }) => {
      // A worker whose storage refuses, as in some private windows.
      const denying = `navigator.storage.getDirectory = () => Promise.reject(new DOMException("no", "SecurityError"));
        await import("${location.origin}/static/client/buy-worker.js"); postMessage({type: "ready"});`;
      const worker = new Worker(URL.createObjectURL(new Blob([denying], { type: "text/javascript" })), { type: "module" });
      await new Promise((resolve) => (worker.onmessage = resolve));
      worker.postMessage({ type: "start", gateway: location.origin, claim: "claim", fileId, linkShare, offer });
      worker.postMessage({ type: "share", share });
      const last = await new Promise((resolve) => {
        worker.onmessage = ({ data }) => ["done", "error"].includes(data.type) && resolve(data);
      });
      return last.file ? sameBytes(last.file, size) : JSON.stringify(last);
    },
    { ...sold, offer: gateway.offer(sold.fileId), share: gateway.share(sold.fileId), size: SIZE },
  );
  assert.equal(right, true);
});

test("a wrong share is wrong_share and no file is handed over", { skip }, async () => {
  const sold = (await sellInPage()).at(-1);
  const { heard } = await buyInPage(sold, "A".repeat(43));
  assert.equal(heard.at(-1).error.code, "wrong_share");
});
