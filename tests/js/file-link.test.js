/** Links: what clings to them falls off; the texts are in tests/vectors/links.json, which Python reads too. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatLink, parseLink } from "../../gateway/web/static/sealing/file-link.js";
import { readVectors } from "./support.js";

const vectors = readVectors("links.json");

test("a link is found whatever clings to it, as Python finds it", () => {
  for (const { text, gateway, file_id: fileId, link_share: linkShare, claim } of vectors.good) {
    const link = parseLink(text);
    assert.deepEqual(link, { gateway, fileId, linkShare, claim }, JSON.stringify(text));
    assert.deepEqual(parseLink(formatLink(link)), link);
  }
});

test("a damaged link is refused, and not quoted", () => {
  for (const text of vectors.bad) {
    assert.throws(() => parseLink(text), (error) => {
      assert.equal(error.code, "invalid_link", JSON.stringify(text));
      return !error.message.includes("VUQQ");
    }, JSON.stringify(text));
  }
});
