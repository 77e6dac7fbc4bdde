/** The widget's decisions, without a browser; its dialog is tested in tests/browser/. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import * as widget from "../../gateway/web/static/bitcache-pay.js";
import { checkoutOf, wantsPlainLink } from "../../gateway/web/static/widget/checkout-link.js";
import { PurchaseStateEvent, UnlockedEvent } from "../../gateway/web/static/widget/events.js";
import { messageMeaning } from "../../gateway/web/static/widget/frame-messages.js";
import { textsFor } from "../../gateway/web/static/widget/widget-texts.js";
import { readVectors, repository } from "./support.js";

const LINK = "https://gateway.example/f/AAECAwQFBgcICQoLDA0ODw#EBESExQVFhcYGRobHB0eHw";

test("importing it without a browser does nothing and does not fail", () => {
  assert.equal(globalThis.customElements, undefined);
});

test("the script exports the element and its events, nothing else", () => {
  assert.deepEqual(Object.keys(widget).sort(), ["BitcachePayElement", "PurchaseStateEvent", "UnlockedEvent"]);
});

test("defining it twice, as two gateways' scripts in one page do, keeps the first", () => {
  const defined = new Map();
  const registry = { get: (name) => defined.get(name), define: (name, element) => defined.set(name, element) };
  class Other extends widget.BitcachePayElement {}
  assert.equal(widget.BitcachePayElement.define("bitcache-pay", registry), widget.BitcachePayElement);
  Other.define("bitcache-pay", registry);
  assert.deepEqual([...defined], [["bitcache-pay", widget.BitcachePayElement]]);
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
  const { event: changed } = from({ type: "state", purchaseId: "T", state: "processing", secret: "x" });
  assert.ok(changed instanceof PurchaseStateEvent && changed.bubbles && !("secret" in changed));
  assert.deepEqual([changed.type, changed.purchaseId, changed.state], ["bitcache:state", "T", "processing"]);
  const { event: unlocked } = from({ type: "unlocked", purchaseId: "T" });
  assert.ok(unlocked instanceof UnlockedEvent && unlocked.bubbles);
  assert.deepEqual([unlocked.type, unlocked.purchaseId], ["bitcache:unlocked", "T"]);
  assert.deepEqual(from({ type: "height", height: 512.2 }), { height: 513 });
  assert.deepEqual(from({ type: "close" }), { close: true });
  assert.deepEqual([from({ type: "ready" }), from({ type: "asking" })], [{ ready: true }, { asking: true }]);
  for (const data of [null, 7, "close", {}, { type: "close" }, { source: "other", type: "close" }]) {
    assert.equal(messageMeaning(data), null);
  }
  for (const height of ["1px; } * { display: none", NaN, -1, Infinity]) assert.equal(from({ type: "height", height }), null);
});

test("it speaks the page's language", () => {
  assert.equal(textsFor("fr-CA").close, "Fermer");
  assert.deepEqual(["de", "es-MX", "it"].map((language) => textsFor(language).close), ["Schließen", "Cerrar", "Close"]);
});

test("MIT, and nothing imported from the rest, which is AGPL", () => {
  const folder = join(repository, "gateway", "web", "static");
  const modules = readdirSync(join(folder, "widget")).filter((name) => name.endsWith(".js"));
  assert.ok(modules.includes("bitcache-pay-element.js"));
  for (const path of ["bitcache-pay.js", ...modules.map((name) => `widget/${name}`)]) {
    const source = readFileSync(join(folder, path), "utf8");
    assert.match(source, /^\/\/ SPDX-License-Identifier: MIT\n/, path);
    const imported = [...source.matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
    const inside = path.startsWith("widget/") ? /^\.\/[a-z-]+\.js$/ : /^\.\/widget\/[a-z-]+\.js$/;
    assert.deepEqual(imported.filter((name) => !inside.test(name)), [], path);
  }
});
