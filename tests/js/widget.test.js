/** The widget's decisions, without a browser; its dialog is tested in tests/browser/. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { checkoutOf, messageMeaning, wantsPlainLink, wordsFor } from "../../gateway/web/static/bitcache-pay.js";
import { readVectors } from "./support.js";

const LINK = "https://gateway.example/f/AAECAwQFBgcICQoLDA0ODw#EBESExQVFhcYGRobHB0eHw";

test("importing it without a browser does nothing and does not fail", () => {
  assert.equal(globalThis.customElements, undefined);
});

test("a buyer's link becomes the checkout's address, its fragment kept", () => {
  assert.deepEqual(checkoutOf(LINK), {
    origin: "https://gateway.example",
    frame: "https://gateway.example/f/AAECAwQFBgcICQoLDA0ODw?embed#EBESExQVFhcYGRobHB0eHw",
  });
});

test("the widget finds the links that the page and the command line find, and no others", () => {
  const vectors = readVectors("links.json");
  for (const { text, gateway, file_id: id, link_share: share, claim } of vectors.good) {
    const end = claim === null ? share : `${share}.${claim}`;
    assert.deepEqual(checkoutOf(text), { origin: gateway, frame: `${gateway}/f/${id}?embed#${end}` }, JSON.stringify(text));
  }
  for (const text of vectors.bad) assert.equal(checkoutOf(text), null, JSON.stringify(text));
});

for (const href of ["", "nonsense", "javascript:alert(1)", "https://x.example/", "https://x.example/f/short", "ftp://x/f/AAECAwQFBgcICQoLDA0ODw"]) {
  test(`no checkout for ${JSON.stringify(href)}`, () => assert.equal(checkoutOf(href), null));
}

const CLICK = { defaultPrevented: false, button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false };

test("a plain click opens the dialog; a modifier or another button leaves the link a link", () => {
  assert.equal(wantsPlainLink(CLICK), false);
  for (const change of [{ metaKey: true }, { ctrlKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }]) {
    assert.equal(wantsPlainLink({ ...CLICK, ...change }), true);
  }
});

test("messages: the two events, the height, being ready, asking and closing; nothing else", () => {
  const from = (data) => messageMeaning({ source: "bitcache", ...data });
  assert.deepEqual(from({ type: "state", purchaseId: "T", state: "processing", secret: "x" }), {
    event: "bitcache:state",
    detail: { purchaseId: "T", state: "processing" },
  });
  assert.deepEqual(from({ type: "unlocked", purchaseId: "T" }), { event: "bitcache:unlocked", detail: { purchaseId: "T" } });
  assert.deepEqual(from({ type: "height", height: 512.2 }), { height: 513 });
  assert.deepEqual(from({ type: "close" }), { close: true });
  assert.deepEqual([from({ type: "ready" }), from({ type: "asking" })], [{ ready: true }, { asking: true }]);
  for (const data of [null, 7, "close", {}, { type: "close" }, { source: "other", type: "close" }]) {
    assert.equal(messageMeaning(data), null);
  }
  for (const height of ["1px; } * { display: none", NaN, -1, Infinity]) assert.equal(from({ type: "height", height }), null);
});

test("it speaks the page's language", () => {
  assert.equal(wordsFor("fr-CA").close, "Fermer");
  assert.equal(wordsFor("de").close, "Close");
});

test("one file, no imports, MIT", () => {
  const source = readFileSync(new URL("../../gateway/web/static/bitcache-pay.js", import.meta.url), "utf8");
  assert.match(source, /^\/\/ SPDX-License-Identifier: MIT\n/);
  assert.doesNotMatch(source, /^\s*import\b/m);
});
