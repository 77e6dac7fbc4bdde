import assert from "node:assert/strict";
import { test } from "node:test";

import { b64u, concat, unb64u, utf8 } from "../../gateway/web/static/sealing/bytes.js";
import { openStream } from "../../gateway/web/static/sealing/cobblestone.js";
import { groupRoot, parseGroups } from "../../gateway/web/static/sealing/hash-groups.js";
import { manifestText, parseManifest, sellerKey, signManifest, verifyManifest } from "../../gateway/web/static/sealing/manifest.js";
import { metadataText, openMetadata, openPreview, sealMetadata, sealPreview } from "../../gateway/web/static/sealing/metadata.js";
import { SealedFile } from "../../gateway/web/static/sealing/seal-file.js";
import { claimHash, context, fileKey, metaKey, previewKey, shareHash } from "../../gateway/web/static/sealing/key-derivation.js";
import { collect, counter, hex, readVectors, sha256hex, unhex } from "./support.js";

const vectors = readVectors("sealing.json");

const secretsOf = (vector) => ({
  fileId: unb64u(vector.file_id),
  linkShare: unb64u(vector.link_share),
  gatewayShare: unb64u(vector.gateway_share),
  salt: unb64u(vector.salt),
});
const plainOf = ({ plain }) => ("hex" in plain ? unhex(plain.hex) : counter(plain.length));

for (const vector of vectors.cases) {
  test(`shared vector "${vector.name}": keys and hashes are those that Python derives`, async () => {
    const { fileId, linkShare, gatewayShare } = secretsOf(vector);
    assert.equal(hex(await fileKey(linkShare, gatewayShare, fileId)), vector.file_key);
    assert.equal(hex(await metaKey(linkShare, fileId)), vector.meta_key);
    assert.equal(hex(await previewKey(linkShare, fileId)), vector.preview_key);
    assert.equal(b64u(await shareHash(gatewayShare)), vector.share_hash);
  });

  test(`shared vector "${vector.name}": a File seals to the bytes that Python seals`, async () => {
    const sealedFile = await SealedFile.create(new Blob([plainOf(vector)]), secretsOf(vector));
    const sealed = await collect(sealedFile.pieces());
    assert.equal(b64u(sealedFile.header), vector.header);
    assert.equal(sealedFile.size, vector.sealed_size);
    assert.equal(sha256hex(sealed), vector.sealed_sha256);
    const hashes = await sealedFile.groupHashes();
    assert.deepEqual(hashes.map(b64u), vector.group_hashes);
    assert.equal(b64u(await groupRoot(hashes)), vector.group_root);
    const opened = openStream(unhex(vector.file_key), context("file", unb64u(vector.file_id)), [sealed]);
    assert.deepEqual(await collect(opened), plainOf(vector));
  });
}

test("the shared manifest parses, prints to the same text, and its signature is the one Python makes", async () => {
  const { text, signature, seller_key: key, seller_seed: seed } = vectors.manifest;
  assert.equal(manifestText(parseManifest(text)), text);
  assert.equal(b64u((await verifyManifest(text, signature)).sellerKey), key);
  const keys = await keysFromSeed(seed, key);
  assert.equal(b64u(await sellerKey(keys)), key);
  assert.equal(b64u(await signManifest(text, keys)), signature);
});

async function keysFromSeed(seed, publicKey) {
  const pkcs8 = unhex(`302e020100300506032b657004220420${seed}`);
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]),
    publicKey: await crypto.subtle.importKey("raw", unb64u(publicKey), "Ed25519", true, ["verify"]),
  };
}

test("the shared group list fits the shared manifest, and no other does", async () => {
  const manifest = parseManifest(vectors.manifest.text);
  const list = concat(...vectors.cases.at(-1).group_hashes.map((hash) => unb64u(hash)));
  assert.equal((await parseGroups(list, manifest)).length, 4);
  const swapped = concat(list.subarray(32, 64), list.subarray(0, 32), list.subarray(64));
  for (const other of [swapped, list.slice(32), concat(list, list.slice(0, 32)), new Uint8Array()]) {
    await assert.rejects(parseGroups(other, manifest), { code: "invalid_manifest" });
  }
});

test("the shared metadata opens, and seals to the same bytes", async () => {
  const { salt, json, sealed, ...parts } = vectors.meta;
  const link = { fileId: unb64u(parts.file_id), linkShare: unb64u(parts.link_share) };
  const metadata = await openMetadata(unb64u(sealed), link);
  assert.equal(metadataText(metadata), json);
  assert.equal(b64u(await sealMetadata(metadata, link, unb64u(salt))), sealed);
});

test("the shared preview opens, and seals to the same bytes", async () => {
  const { salt, media_type: mediaType, content, sealed, ...parts } = vectors.preview;
  const link = { fileId: unb64u(parts.file_id), linkShare: unb64u(parts.link_share) };
  const preview = await openPreview(unb64u(sealed), link);
  assert.deepEqual(preview, { mediaType, content: unb64u(content) });
  assert.equal(b64u(await sealPreview(preview, link, unb64u(salt))), sealed);
});

test("claim hashes are those that the gateway keeps", async () => {
  for (const { secret, hash } of vectors.claims) assert.equal(b64u(await claimHash(unb64u(secret))), hash);
});

test("b64u is strict: one spelling per value", () => {
  assert.equal(b64u(utf8("ab")), "YWI");
  for (const text of ["YWI=", "YW I", "YWJ", "Y", "Y+/A", "é"]) {
    assert.throws(() => unb64u(text), { code: "invalid_identifier" }, text);
  }
  assert.throws(() => unb64u("YWI", 3), { code: "invalid_identifier" });
});
