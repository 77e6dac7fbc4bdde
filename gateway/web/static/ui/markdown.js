/**
 * The Markdown that a description may use: paragraphs, lists of "- ", **strong**, *emphasis*, [text](https://…). Everything else is
 * text as it was typed. It comes from a stranger: nothing in it becomes markup, and a link shows where it leads.
 */

import { h } from "./dom.js";

/** @typedef {{kind: "text" | "strong" | "em", text: string} | {kind: "link", text: string, url: string}} Span */
/** @typedef {{kind: "paragraph", lines: Span[][]} | {kind: "list", items: Span[][]}} Block */

const ITEM = /^[-*] +/;
const SPAN = /\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|\[([^\]\n]+)\]\((https?:\/\/[^\s()]+)\)/g;

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function parseMarkdown(text) {
  /** @type {Block[]} */
  const blocks = [];
  for (const part of text.split(/\n{2,}/)) {
    for (const line of part.split("\n").filter((each) => each.trim() !== "")) add(blocks, line, line === part.split("\n")[0]);
  }
  return blocks;
}

/**
 * @param {Block[]} blocks
 * @param {string} line
 * @param {boolean} first of its paragraph
 */
function add(blocks, line, first) {
  const last = blocks.at(-1);
  if (ITEM.test(line)) {
    const item = spansOf(line.replace(ITEM, ""));
    if (last?.kind === "list" && !first) last.items.push(item);
    else blocks.push({ kind: "list", items: [item] });
  } else if (last?.kind === "paragraph" && !first) last.lines.push(spansOf(line));
  else blocks.push({ kind: "paragraph", lines: [spansOf(line)] });
}

/**
 * @param {string} line
 * @returns {Span[]}
 */
function spansOf(line) {
  /** @type {Span[]} */
  const spans = [];
  let end = 0;
  for (const match of line.matchAll(SPAN)) {
    const [whole, strong, em, label, url] = match;
    if (match.index > end) spans.push({ kind: "text", text: line.slice(end, match.index) });
    if (strong !== undefined) spans.push({ kind: "strong", text: strong });
    else if (em !== undefined) spans.push({ kind: "em", text: em });
    else spans.push(hostOf(url) === null ? { kind: "text", text: whole } : { kind: "link", text: label, url });
    end = match.index + whole.length;
  }
  if (end < line.length) spans.push({ kind: "text", text: line.slice(end) });
  return spans;
}

/**
 * @param {string} text
 * @returns {HTMLElement | null} null where there is nothing to show
 */
export function markdown(text) {
  const blocks = parseMarkdown(text);
  if (blocks.length === 0) return null;
  return h("div", { class: "prose" }, ...blocks.map(blockNode));
}

/** @param {Block} block */
function blockNode(block) {
  if (block.kind === "list") return h("ul", {}, ...block.items.map((item) => h("li", {}, ...item.map(spanNode))));
  const lines = block.lines.flatMap((line, at) => [...(at > 0 ? [h("br")] : []), ...line.map(spanNode)]);
  return h("p", {}, ...lines);
}

/** @param {Span} span */
function spanNode(span) {
  if (span.kind === "text") return span.text;
  if (span.kind !== "link") return h(span.kind, {}, span.text);
  return h("a", { href: span.url, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, `${span.text} (${hostOf(span.url)})`);
}

/**
 * @param {string} url
 * @returns {string | null} null for what is no address
 */
function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return null;
  }
}
