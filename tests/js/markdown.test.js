/** What a description's Markdown becomes; what is not known stays text. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseMarkdown } from "../../gateway/web/static/ui/markdown.js";

const text = (words) => ({ kind: "text", text: words });
const paragraph = (...lines) => ({ kind: "paragraph", lines });

test("paragraphs, lines and lists", () => {
  assert.deepEqual(parseMarkdown("One\ntwo\n\nThree"), [paragraph([text("One")], [text("two")]), paragraph([text("Three")])]);
  assert.deepEqual(parseMarkdown("In it:\n- a\n- b\n\n- c"), [
    paragraph([text("In it:")]), { kind: "list", items: [[text("a")], [text("b")]] }, { kind: "list", items: [[text("c")]] },
  ]);
  assert.deepEqual(parseMarkdown(""), []);
});

test("strong, emphasis and links", () => {
  assert.deepEqual(parseMarkdown("**a** and *b*, [c](https://d.example/e)."), [
    paragraph([{ kind: "strong", text: "a" }, text(" and "), { kind: "em", text: "b" }, text(", "), { kind: "link", text: "c", url: "https://d.example/e" }, text(".")]),
  ]);
});

test("nothing else means anything", () => {
  for (const typed of ["<b>x</b>", "[x](javascript:alert(1))", "[x](data:text/html,y)", "# x", "![x](y)", "**", "*", "[x](https://)", "a * b * c".replaceAll(" ", "")]) {
    const spans = parseMarkdown(typed).flatMap((block) => block.lines.flat());
    assert.ok(!spans.some(({ kind }) => kind === "link"), typed);
  }
  assert.deepEqual(parseMarkdown("<script>"), [paragraph([text("<script>")])]);
});
