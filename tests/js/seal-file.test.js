import assert from "node:assert/strict";
import { test } from "node:test";

import { report, GatewayError, SealingError } from "../../gateway/web/static/sealing/errors.js";
import { GROUP_SIZE } from "../../gateway/web/static/sealing/hash-groups.js";
import { SealedFile, newSecrets, restoreSecrets, saveSecrets } from "../../gateway/web/static/sealing/seal-file.js";
import { collect, counter } from "./support.js";

const secrets = newSecrets();
const blob = new Blob([counter(3_000_000)]);

test("any part of the sealed file, in any order, is the same as in one pass", async () => {
  const whole = await collect((await SealedFile.create(blob, secrets)).pieces());
  const sealed = await SealedFile.create(blob, secrets);
  const cuts = [[2_000_000, 2_000_001], [0, 56], [0, 0], [10, 70], [55, 57], [56, 56 + GROUP_SIZE], [100, 2_999_999], [0, whole.length]];
  for (const [start, end] of cuts) assert.deepEqual(await sealed.read(start, end), whole.slice(start, end), `${start}-${end}`);
  assert.deepEqual(await collect(sealed.pieces(1_500_000)), whole.slice(1_500_000));
});

test("group hashes do not need the bytes to have been read", async () => {
  const [first, second] = [await SealedFile.create(blob, secrets), await SealedFile.create(blob, secrets)];
  await collect(first.pieces());
  assert.deepEqual(await first.groupHashes(), await second.groupHashes());
});

test("a file that changes while it is sealed is file_changed, never sealed twice", async () => {
  let content = blob;
  const changing = { size: blob.size, slice: (start, end) => content.slice(start, end) };
  const sealed = await SealedFile.create(changing, secrets);
  await sealed.groupHashes();
  content = new Blob([counter(3_000_000, 1)]);
  await assert.rejects(sealed.read(0, 100), { code: "file_changed" });
  content = new Blob([counter(2_500_000)]);
  await assert.rejects(sealed.read(2_800_000, 2_900_000), { code: "file_changed" });
});

test("saved secrets come back for the same file, and not for one of another size or time", () => {
  const file = new File([blob], "a", { lastModified: 7 });
  assert.deepEqual(restoreSecrets(saveSecrets(secrets, file), file), secrets);
  const later = new File([blob], "a", { lastModified: 8 });
  assert.throws(() => restoreSecrets(saveSecrets(secrets, file), later), { code: "file_changed" });
});

test("every thrown value becomes a plain report with a stable code", () => {
  assert.equal(report(new SealingError("tampered", "m")).code, "tampered");
  assert.deepEqual(report(new GatewayError("x", "m", { status: 409, hint: "h", reason: "r" })), { code: "x", message: "m", status: 409, hint: "h", reason: "r" });
  assert.equal(report(new DOMException("m", "QuotaExceededError")).code, "disk_full");
  assert.equal(report(new DOMException("m", "AbortError")).code, "cancelled");
  assert.equal(report(new TypeError("m")).code, "unexpected");
  assert.equal(report("m").code, "unexpected");
});
