import assert from "node:assert/strict";
import { test } from "node:test";

import { utf8 } from "../../gateway/web/static/sealing/bytes.js";
import { MAX_NAME_BYTES, cleanTitle, safeName } from "../../gateway/web/static/sealing/safe-name.js";
import { readVectors } from "./support.js";

const vectors = readVectors("names.json");

test("every shared file name becomes exactly the safe name that Python makes", () => {
  for (const { input, safe } of vectors.cases) assert.equal(safeName(input), safe, JSON.stringify(input));
});

test("a safe name is never empty or over 200 bytes, and is safe already", () => {
  for (const { input } of vectors.cases) {
    const safe = safeName(input);
    assert.ok(safe.length > 0 && utf8(safe).length <= MAX_NAME_BYTES);
    assert.equal(safeName(safe), safe);
  }
});

test("honest titles are taken as they are, and trimmed", () => {
  for (const title of vectors.title_ok) assert.equal(cleanTitle(title), title);
  assert.equal(cleanTitle("  a song "), "a song");
});

test("empty, enormous and deceptive titles are refused", () => {
  for (const title of vectors.title_bad) {
    assert.throws(() => cleanTitle(title), { code: "invalid_name" }, JSON.stringify(title));
  }
});
