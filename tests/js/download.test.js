import assert from "node:assert/strict";
import { test } from "node:test";

import { b64u, concat, unb64u } from "../../gateway/web/static/sealing/bytes.js";
import { readOffer, receive } from "../../gateway/web/static/client/buy.js";
import { GroupKeeper, download, fetchGroups } from "../../gateway/web/static/client/download.js";
import { HEADER_SIZE } from "../../gateway/web/static/sealing/cobblestone.js";
import { GROUP_SIZE, groupRoot } from "../../gateway/web/static/sealing/hash-groups.js";
import { Backoff } from "../../gateway/web/static/client/backoff.js";
import { manifestText, newSellerKeys, signManifest, verifyManifest } from "../../gateway/web/static/sealing/manifest.js";
import { sha256 } from "../../gateway/web/static/sealing/webcrypto.js";
import { sell } from "../../gateway/web/static/client/sell.js";
import { MemoryStore } from "../../gateway/web/static/client/file-stores.js";
import { FakeGateway, brokenBody, silentBody } from "./fake-gateway.js";
import { counter } from "./support.js";

const plain = counter(3_000_000);
const quiet = { onStarted() {}, onProgress() {}, onState() {}, onRetry() {} };

/** A gateway with one file for sale, and a buyer's view of it. */
async function setting() {
  const gateway = new FakeGateway();
  const seller = { gateway: "https://gateway.example", secret: "token", fetch: gateway.fetch };
  const file = new File([plain], "../song.flac", { type: "text/html" });
  const keys = await newSellerKeys();
  const sold = await sell({ link: seller, file, title: "A song", priceSat: 2500, preview: null, keys }, quiet);
  const { fileId, linkShare } = sold;
  gateway.requests.length = 0;
  const link = { ...seller, secret: "claim" };
  const offer = gateway.offer(fileId);
  const manifest = await verifyManifest(offer.manifest, offer.signature);
  const stores = new Map();
  const openStore = async (name) => stores.get(name) ?? stores.set(name, new MemoryStore()).get(name);
  const share = Promise.resolve(gateway.share(fileId));
  return { gateway, link, fileId, linkShare, offer, manifest, stores, openStore, share, keys };
}

async function keeperOf({ link, fileId, manifest }, store = new MemoryStore()) {
  return new GroupKeeper(store, manifest, await fetchGroups(link, fileId, manifest));
}
const hurried = () => new Backoff({ attempts: 3, firstWaitMs: 1 });
const sealedBytes = ({ gateway, fileId }) => gateway.listings.get(fileId).bytes;
const contentOf = async (store) => Buffer.from(await (await store.finish()).arrayBuffer());
const bytesRequests = ({ gateway }) => gateway.requests.filter(({ path }) => path.endsWith("/bytes"));

test("a purchase downloads, opens and hands over exactly the file, under a safe name, and drops the sealed bytes", async () => {
  const sale = await setting();
  const states = [];
  const progress = [];
  const onProgress = (phase, bytes, total) => progress.push([phase, bytes, total]);
  const opened = await receive(sale, { ...quiet, onProgress, onState: (state) => states.push(state) });
  assert.deepEqual(new Uint8Array(await opened.content.arrayBuffer()), plain);
  assert.equal(opened.name, "_song.flac");
  assert.deepEqual(states, ["downloading", "waiting_for_share", "opening"]);
  assert.deepEqual(progress.at(-1), ["opening", plain.length, plain.length]);
  assert.equal(sale.stores.get(`${sale.fileId}.sealed`).size(), 0);
  for (const { url } of sale.gateway.requests) assert.ok(!url.includes("claim") && !url.includes(sale.linkShare));
});

test("a broken download goes on by Range and If-Range from the byte where it broke", async () => {
  const sale = await setting();
  let turn = 0;
  sale.gateway.breaks = async (request) => {
    if (!request.path.endsWith("/bytes") || ++turn > 2) return undefined;
    const range = Number(/\d+/.exec(request.headers.get("Range") ?? "0")[0]);
    const body = brokenBody(sealedBytes(sale).subarray(range, range + 1_200_000));
    const headers = { ETag: '"v1"', "Content-Range": `bytes ${range}-` };
    return new Response(body, { status: range ? 206 : 200, headers });
  };
  const keeper = await keeperOf(sale);
  await download(sale.link, sale.fileId, keeper, { backoff: hurried() });
  assert.deepEqual(await contentOf(keeper.store), sealedBytes(sale));
  const ranges = bytesRequests(sale).map(({ headers }) => [headers.get("Range"), headers.get("If-Range")]);
  assert.deepEqual(ranges, [[null, null], ["bytes=1200000-", '"v1"'], ["bytes=2400000-", '"v1"']]);
});

test("an answer with the whole file instead of the range is read from its start", async () => {
  const sale = await setting();
  let turn = 0;
  sale.gateway.breaks = async ({ path }) => {
    if (!path.endsWith("/bytes")) return undefined;
    const whole = sealedBytes(sale);
    return new Response(turn++ ? whole : brokenBody(whole.subarray(0, 1_500_000)), { headers: { ETag: '"v2"' } });
  };
  const keeper = await keeperOf(sale);
  await download(sale.link, sale.fileId, keeper, { backoff: hurried() });
  assert.deepEqual(await contentOf(keeper.store), sealedBytes(sale));
});

test("a later session keeps the groups that prove right, and fetches again from the first that does not", async () => {
  const sale = await setting();
  const kept = new MemoryStore();
  const left = new Uint8Array(sealedBytes(sale).subarray(0, 56 + 2 * 1_049_600 + 500));
  left[56 + 1_049_600 + 3] ^= 1;
  kept.append(left);
  const keeper = await keeperOf(sale, kept);
  await download(sale.link, sale.fileId, keeper, { backoff: hurried() });
  assert.deepEqual(await contentOf(kept), sealedBytes(sale));
  assert.deepEqual(bytesRequests(sale).map(({ headers }) => headers.get("Range")), [`bytes=${56 + 1_049_600}-`]);
});

test("what another file left under the same name is dropped whole", async () => {
  const sale = await setting();
  const kept = new MemoryStore();
  kept.append(counter(2_000_000));
  await download(sale.link, sale.fileId, await keeperOf(sale, kept), { backoff: hurried() });
  assert.deepEqual(await contentOf(kept), sealedBytes(sale));
});

for (const [where, position] of [["header", 5], ["first group", 100], ["last group", 2_500_000]]) {
  test(`a bit flipped on the way in the ${where} is tampered, and the bad group is not kept`, async () => {
    const sale = await setting();
    const good = Buffer.from(sealedBytes(sale));
    sealedBytes(sale)[position] ^= 4;
    const keeper = await keeperOf(sale);
    await assert.rejects(download(sale.link, sale.fileId, keeper, { backoff: hurried() }), { code: "tampered" });
    const kept = await contentOf(keeper.store);
    assert.ok(kept.length <= position);
    assert.deepEqual(kept, good.subarray(0, kept.length));
  });
}

test("more bytes than were signed are trailing_bytes", async () => {
  const sale = await setting();
  const listing = sale.gateway.listings.get(sale.fileId);
  listing.bytes = Buffer.concat([listing.bytes, Buffer.alloc(10)]);
  const keeper = await keeperOf(sale);
  await assert.rejects(download(sale.link, sale.fileId, keeper, { backoff: hurried() }), { code: "trailing_bytes" });
});

test("a gateway whose file is shorter than signed is never complete", async () => {
  const sale = await setting();
  const listing = sale.gateway.listings.get(sale.fileId);
  listing.bytes = listing.bytes.subarray(0, -1);
  const keeper = await keeperOf(sale);
  await assert.rejects(download(sale.link, sale.fileId, keeper, { backoff: hurried() }), { code: "gateway_unreachable" });
  assert.equal(keeper.complete, false);
});

test("a connection that falls silent counts as broken", async () => {
  const sale = await setting();
  let turn = 0;
  sale.gateway.breaks = async ({ path }) =>
    path.endsWith("/bytes") && turn++ === 0 ? new Response(silentBody()) : undefined;
  const keeper = await keeperOf(sale);
  await download(sale.link, sale.fileId, keeper, { backoff: hurried(), stallMs: 20 });
  assert.ok(keeper.complete);
});

test("before the payment is seen the bytes are payment_required, told at once", async () => {
  const sale = await setting();
  sale.gateway.released = false;
  const keeper = await keeperOf(sale);
  await assert.rejects(download(sale.link, sale.fileId, keeper), { code: "payment_required", status: 402 });
});

test("group hashes that the seller did not sign are refused before any byte is fetched", async () => {
  const sale = await setting();
  sale.gateway.listings.get(sale.fileId).groups = b64u(counter(96));
  await assert.rejects(receive(sale, quiet), { code: "invalid_manifest" });
  assert.equal(bytesRequests(sale).length, 0);
});

test("a wrong gateway share is wrong_share, even before the download has ended, and ends it", async () => {
  const sale = await setting();
  let aborted = false;
  sale.gateway.breaks = async ({ path, signal }) => {
    if (!path.endsWith("/bytes")) return undefined;
    signal.addEventListener("abort", () => (aborted = true));
    return new Response(silentBody(signal));
  };
  await assert.rejects(receive({ ...sale, share: Promise.resolve(b64u(counter(32))) }, quiet), { code: "wrong_share" });
  assert.ok(aborted || bytesRequests(sale).length === 0);
});

test("changed metadata are the gateway's fault, not the link's", async () => {
  const { fileId, linkShare, offer } = await setting();
  const meta = unb64u(offer.meta);
  meta[60] ^= 1;
  await assert.rejects(readOffer(fileId, linkShare, { ...offer, meta: b64u(meta) }), { code: "invalid_manifest" });
});

test("a wrong link share is wrong_key, a wrong file id or price invalid_manifest, before paying", async () => {
  const { fileId, linkShare, offer } = await setting();
  const other = b64u(counter(16));
  await assert.rejects(readOffer(fileId, other, offer), { code: "wrong_key" });
  await assert.rejects(readOffer(other, linkShare, offer), { code: "wrong_key" });
  await assert.rejects(readOffer(fileId, linkShare, { ...offer, price_sat: 2501 }), { code: "invalid_manifest" });
  assert.equal((await readOffer(fileId, linkShare, offer)).metadata.title, "A song");
});

test("a manifest signed anew by another key is refused, since the metadata names the seller's", async () => {
  const { fileId, linkShare, offer } = await setting();
  const other = await setting();
  await assert.rejects(readOffer(fileId, linkShare, { ...offer, manifest: other.offer.manifest, signature: other.offer.signature }), {
    code: "invalid_manifest",
  });
});

test("a cancelled purchase never hands over a file and keeps what was proven", async () => {
  const sale = await setting();
  const abort = new AbortController();
  const link = { ...sale.link, signal: abort.signal };
  const share = new Promise((_, reject) => abort.signal.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
  const onState = (state) => state === "waiting_for_share" && abort.abort();
  await assert.rejects(receive({ ...sale, link, share }, { ...quiet, onState }), { name: "AbortError" });
  assert.equal(sale.stores.get(`${sale.fileId}.sealed`).size(), sealedBytes(sale).length);
});

/** As if the seller had signed the bytes that are stored now. */
async function signedAsStored({ gateway, fileId, manifest, keys }) {
  const listing = gateway.listings.get(fileId);
  const hashes = [];
  for (let at = HEADER_SIZE; at < listing.bytes.length; at += GROUP_SIZE) hashes.push(await sha256(listing.bytes.subarray(at, at + GROUP_SIZE)));
  listing.groups = b64u(concat(...hashes));
  listing.manifest = manifestText({ ...manifest, groupRoot: await groupRoot(hashes) });
  listing.signature = b64u(await signManifest(listing.manifest, keys));
  return gateway.offer(fileId);
}

test("what the seller sealed wrongly is the seller's fault: nobody is told to download it again", async () => {
  const sale = await setting();
  sealedBytes(sale)[sealedBytes(sale).length - 1] ^= 1;
  const offer = await signedAsStored(sale);
  await assert.rejects(receive({ ...sale, offer }, quiet), { code: "sealed_wrongly" });
  assert.equal(sale.stores.get(`${sale.fileId}.plain`).size(), 0);
  assert.deepEqual(await contentOf(sale.stores.get(`${sale.fileId}.sealed`)), sealedBytes(sale), "the proof stays");
});

test("what this device spoiled after it arrived is not the seller's fault", async () => {
  const sale = await setting();
  const states = (state) => {
    const store = sale.stores.get(`${sale.fileId}.sealed`);
    if (state === "opening") store.truncate(store.size() - 1);
  };
  await assert.rejects(receive(sale, { ...quiet, onState: states }), { code: "truncated" });
});
