import assert from "node:assert/strict";
import { test } from "node:test";

import { b64u, unb64u, utf8 } from "../../gateway/web/static/sealing/bytes.js";
import { newSellerKeys, parseManifest, signManifest, verifyManifest } from "../../gateway/web/static/sealing/manifest.js";
import { MAX_PREVIEW, openMetadata, openPreview, parseMetadata, sealMetadata, sealPreview } from "../../gateway/web/static/sealing/metadata.js";
import { counter, readVectors } from "./support.js";

const { manifest: shared, meta } = readVectors("sealing.json");
const changed = (text, change) => JSON.stringify({ ...JSON.parse(text), ...change });
const invalid = { code: "invalid_manifest" };

test("a manifest of another version, with a member too many or too few, or a wrong type is refused", () => {
  const { price_sat: _, ...fewer } = JSON.parse(shared.text);
  const changes = [{ v: 2 }, { v: "1" }, { v: true }, { extra: 1 }, { price_sat: "2500" }, { price_sat: 0 }, { price_sat: 21e14 + 1 },
    { sealed_size: 71 }, { sealed_size: 56 + 16_400 }, { file_id: "x" }, { header: "AA" }, { preview_hash: 5 }, { share_hash: null },
    { seller_key: `${"A".repeat(43)}=` }, { extra: "x".repeat(5000) }];
  for (const change of changes) assert.throws(() => parseManifest(changed(shared.text, change)), invalid, JSON.stringify(change).slice(0, 80));
  for (const text of [JSON.stringify(fewer), "", "[]", "null", "{", "1"]) assert.throws(() => parseManifest(text), invalid);
});

test("sloppy numbers and doubled members are refused, since two readers could read them differently", () => {
  const price = /"price_sat":(\d+)/;
  for (const text of ['"price_sat":2500.0', '"price_sat":25e2', '"price_sat":1,"price_sat":2', '"price_sat":1,"price\\u005fsat":2']) {
    assert.throws(() => parseManifest(shared.text.replace(price, text)), invalid, text);
  }
});

test("a signature holds for its very text and key alone", async () => {
  const spaced = shared.text.replace(":", ": ");
  await assert.rejects(verifyManifest(spaced, shared.signature), invalid);
  await assert.rejects(verifyManifest(changed(shared.text, { price_sat: 1 }), shared.signature), invalid);
  const keys = await newSellerKeys();
  await assert.rejects(verifyManifest(shared.text, b64u(await signManifest(shared.text, keys))), invalid);
  await assert.rejects(verifyManifest(shared.text, "AA"), invalid);
});

test("a seller's private key can be used, not read", async () => {
  const { privateKey } = await newSellerKeys();
  assert.equal(privateKey.extractable, false);
});

const link = { fileId: counter(16), linkShare: counter(16, 3) };

test("metadata is cleaned on both sides: a file name from a stranger never leaves its folder", async () => {
  const metadata = { title: " T ", name: "../../x\u202egpj.exe", type: "", size: 5, sellerKey: counter(32) };
  const opened = await openMetadata(await sealMetadata(metadata, link), link);
  assert.deepEqual(opened, { ...metadata, title: "T", name: "_.._xgpj.exe", description: "", contact: "" });
  const said = { ...metadata, title: "T", name: "x", description: "Two\n\nlines", contact: "Ada, ada@shop.example" };
  assert.deepEqual(await openMetadata(await sealMetadata({ ...said, description: "\nTwo\n\nlines\n " }, link), link), said);
  assert.equal(parseMetadata(changed(meta.json, { name: "/etc/passwd" })).name, "_etc_passwd");
});

test("metadata that breaks its limits is refused", () => {
  for (const change of [{ v: 2 }, { size: -1 }, { size: 1.5 }, { type: "é" }, { type: "x".repeat(128) }, { seller_key: "" }, { more: 1 }, { description: 1 }, { contact: null }]) {
    assert.throws(() => parseMetadata(changed(meta.json, change)), invalid, JSON.stringify(change));
  }
  assert.throws(() => parseMetadata(changed(meta.json, { title: "" })), { code: "invalid_name" });
});

test("metadata and preview do not open with another link, nor one as the other", async () => {
  const metadata = { title: "T", name: "n", type: "", size: 5, sellerKey: counter(32) };
  const sealed = await sealMetadata(metadata, link);
  const wrong = { code: "wrong_key" };
  await assert.rejects(openMetadata(sealed, { ...link, linkShare: counter(16, 4) }), wrong);
  await assert.rejects(openMetadata(sealed, { ...link, fileId: counter(16, 4) }), wrong);
  await assert.rejects(openPreview(sealed, link), wrong);
  await assert.rejects(openMetadata(sealed.slice(0, -1), link), { code: "tampered" });
  await assert.rejects(openMetadata(new Uint8Array(40_000), link), invalid);
});

test("previews hold the permitted types up to 256 KiB, and a text preview is text", async () => {
  for (const mediaType of ["image/png", "image/jpeg", "image/webp", "text/plain"]) {
    const preview = { mediaType, content: utf8("x\ny") };
    assert.deepEqual(await openPreview(await sealPreview(preview, link), link), preview);
  }
  const content = new Uint8Array(MAX_PREVIEW);
  await openPreview(await sealPreview({ mediaType: "image/png", content }, link), link);
  const bad = [["image/png", new Uint8Array(MAX_PREVIEW + 1)], ["text/html", utf8("x")], ["image/svg+xml", utf8("x")], ["text/plain", unb64u("_w")]];
  for (const [mediaType, bytes] of bad) await assert.rejects(sealPreview({ mediaType, content: bytes }, link), invalid);
});
