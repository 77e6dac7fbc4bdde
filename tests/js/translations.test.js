/** Every sentence exists in every language, with the same holes, and none is left over. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { translator } from "../../gateway/web/static/ui/translations.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WEB = join(ROOT, "gateway/web");
const read = (path) => readFileSync(path, "utf8");
const LANGUAGES = ["en", "de", "es", "fr"];
const tables = LANGUAGES.map((language) => JSON.parse(read(join(WEB, "translations", `${language}.json`))));
const [en] = tables;

const SOURCES = readdirSync(WEB, { recursive: true })
  .filter((name) => /\.(py|html|js)$/.test(name) && !name.startsWith("static/sealing/"))
  .map((name) => read(join(WEB, name)))
  .join("\n");

const holes = (text) => new Set(text.match(/\{\w+\}/g) ?? []);
const PLURAL = /\.(one|other)$/;

test("all languages have the same keys, and no other language is there", () => {
  assert.deepEqual(readdirSync(join(WEB, "translations")).sort(), LANGUAGES.map((language) => `${language}.json`).sort());
  for (const table of tables) assert.deepEqual(Object.keys(table), Object.keys(en));
});

test("a sentence has the same holes in all languages", () => {
  for (const table of tables) for (const key of Object.keys(en)) assert.deepEqual(holes(table[key]), holes(en[key]), key);
});

test("nothing longer than a few words is the same in two languages", () => {
  for (const key of Object.keys(en).filter((each) => en[each].split(" ").length > 4)) {
    assert.equal(new Set(tables.map((table) => table[key])).size, LANGUAGES.length, key);
  }
});

test("no sentence is empty, doubled up with spaces, or unclosed", () => {
  for (const [key, text] of tables.flatMap(Object.entries)) {
    assert.match(text, /^\S(?:.*\S)?$/, key);
    assert.doesNotMatch(text.replace(/\{\w+\}/g, "x"), / {2}|[{}]/, key);
  }
});

test("a plural has all of its forms", () => {
  for (const key of Object.keys(en).filter((each) => PLURAL.test(each))) {
    const stem = key.replace(PLURAL, "");
    assert.ok(`${stem}.one` in en && `${stem}.other` in en, stem);
  }
});

test("every key that the code names exists", () => {
  const named = [...SOURCES.matchAll(/\b(?:t|words)\(\s*["']([a-z][\w.]*)["']/g)].map((match) => match[1]);
  assert.ok(named.length > 100);
  for (const key of new Set(named)) assert.ok(key in en || `${key}.one` in en, `${key} is missing`);
});

/** Keys that are put together: the code holds the part before or after. */
const COMPOSED = [/^error\./, /^(seen|paid|opening|undone)\.(title|text)$/, /^ask\.\w+(\.answer)?$/, /^plain\.state\./, /^sell\.lightning\.kind\./, /^sell\.event\./, /^rail\./, /^sell\.sales\.(csv|json)$/, /^sell\.state\./, /^report\.(is_|wrong\.)/, /^sell\.manage\.\w+\.yes$/, /^sell\.change\.(payout|connection|delay)$/];

test("every key is used", () => {
  for (const key of Object.keys(en)) {
    const stem = key.replace(PLURAL, "");
    assert.ok(COMPOSED.some((shape) => shape.test(key)) || SOURCES.includes(`"${stem}"`), `${key} is not used`);
  }
});

test("every error code of Python and JavaScript has its sentence", () => {
  const classes = ["errors.py", "chain_errors.py", "account_errors.py", "listing_errors.py"].map((name) => read(join(ROOT, "bitcache", name))).join("");
  const python = [...classes.matchAll(/^ {4}code = "(\w+)"/gm)].map((match) => match[1]);
  const errors = read(join(WEB, "static/sealing/errors.js"));
  const union = errors.slice(errors.indexOf("@typedef {\"not_sealed\""), errors.indexOf("} SealingCode"));
  const script = [...union.matchAll(/"(\w+)"/g), ...errors.matchAll(/Error", "(\w+)"\]/g)].map((match) => match[1]);
  assert.ok(python.length > 35 && script.length > 14);
  for (const code of [...python, ...script, "unexpected", "gateway_unreachable", "no_link_share", "no_payout"]) {
    assert.ok(`error.${code}` in en, `error.${code} is missing`);
  }
});

test("words are filled in and counted by the language's own rules", () => {
  const words = { "a.one": "{n} bloc sur {of}", "a.other": "{n} blocs sur {of}", b: "Bonjour {name}" };
  const t = translator(words, "fr");
  assert.equal(t("a", { n: 0, of: 2 }), "0 bloc sur 2");
  assert.equal(t("a", { n: 2, of: 2 }), "2 blocs sur 2");
  assert.equal(t("b", { name: "{name}" }), "Bonjour {name}");
  assert.equal(t("c"), "c");
});
