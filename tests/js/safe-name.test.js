import assert from "node:assert/strict";
import { test } from "node:test";

import { utf8 } from "../../gateway/web/static/sealing/bytes.js";
import { cleanDescription, MAX_NAME_BYTES, cleanTitle, defaultTitle, safeName } from "../../gateway/web/static/sealing/safe-name.js";
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

test("a file's name becomes exactly the title that Python makes of it, and one that is taken", () => {
  for (const { input, title } of vectors.default_titles) {
    assert.equal(defaultTitle(input), title, JSON.stringify(input));
    assert.equal(cleanTitle(title), title);
  }
});

test("of every code point: hidden ones are refused and removed, joiners and blanks are no visible text", () => {
  const sets = Object.entries(vectors.sets).map(([name, ranges]) => [name, ranges.map((ends) => ends.map((end) => parseInt(end, 16)))]);
  const setOf = (code) => sets.find(([, ranges]) => ranges.some(([first, last]) => first <= code && code <= last))?.[0] ?? "visible";
  for (let code = 0; code < 0xe1100; code++) {
    if ((code >= 0xd800 && code <= 0xdfff) || (code >= 0x20000 && code < 0xe0000)) continue;
    const char = String.fromCodePoint(code);
    const alone = taken(char);
    const within = taken(`a${char}b`);
    const expected = { hidden: [false, false], joiner: [false, true], blank: [false, true], visible: [true, true] }[setOf(code)];
    if (alone !== expected[0] || within !== expected[1]) assert.fail(`U+${code.toString(16)} is not ${setOf(code)}`);
    if (setOf(code) === "hidden" && safeName(`a${char}b`) !== "ab") assert.fail(`U+${code.toString(16)} stays in a file name`);
  }
});

function taken(title) {
  try {
    return cleanTitle(title).length > 0;
  } catch {
    return false;
  }
}

test("descriptions are the same in Python and JavaScript", () => {
  for (const [text, clean] of vectors.descriptions) {
    if (clean === null) assert.throws(() => cleanDescription(text), { code: "invalid_name" }, JSON.stringify(text.slice(0, 40)));
    else assert.equal(cleanDescription(text), clean);
  }
  for (const sign of ["é", "\u{1f600}"]) {
    assert.equal(cleanDescription(sign.repeat(4000)), sign.repeat(4000));
    assert.throws(() => cleanDescription(sign.repeat(4001)), { code: "invalid_name" });
  }
});
