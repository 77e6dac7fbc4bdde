/** Pieces that several screens of the checkout show. */

import { copyButton } from "../../ui/copy-button.js";
import { ask, h, setText } from "../../ui/dom.js";
import { btcText, clock, grouped, satText, sizeText } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { stepsOf } from "../progress-steps.js";

/** @typedef {import("../checkout-state.js").State} State */
/** @typedef {import("../progress-steps.js").Step} Step */
/**
 * A screen: made once, updated at every change while it is shown.
 * @typedef {{node: HTMLElement, update: (state: State) => void}} View
 */

/**
 * "2 500 sat" large, BTC small under it.
 * @param {number} amount
 */
export function price(amount) {
  const sat = h("span", { class: "price-sat" }, grouped(amount), h("span", { class: "unit" }, "\u00a0sat"));
  return h("p", { class: "price" }, sat, h("span", { class: "price-btc" }, `${btcText(amount)} BTC`));
}

/** @param {import("../checkout-state.js").Offer} offer */
export function facts(offer) {
  return h("p", { class: "offer-facts" }, t("offer.facts", { name: offer.name, size: sizeText(offer.size) }));
}

/** @param {...HTMLElement} first */
export function questions(...first) {
  return h(
    "div",
    {},
    ...first,
    ask(t("ask.sat"), t("ask.sat.answer")),
    ask(t("ask.cost"), t("ask.cost.answer")),
    ask(t("ask.direct"), t("ask.direct.answer")),
    ask(t("ask.file"), t("ask.file.answer")),
  );
}

/**
 * To tell the operator that something is wrong with a file.
 * @param {string} fileId
 */
export const reportLink = (fileId) => h("a", { class: "plain small", href: `/f/${fileId}/report`, target: "_blank", rel: "noopener" }, t("report.link.to"));

/** The named steps, each updated in place. */
export function stepList() {
  const node = h("ol", { class: "steps", "aria-label": t("steps") });
  return {
    node,
    /** @param {State} state */
    update(state) {
      stepsOf(state).forEach((step, at) => {
        if (!node.children[at]) node.append(stepRow());
        fillStep(/** @type {HTMLElement} */ (node.children[at]), step);
      });
    },
  };
}

function stepRow() {
  const more = h("div", { class: "more", hidden: true }, h("progress", { hidden: true }), h("span"));
  return h("li", {}, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "name" }), h("time"), more);
}

/**
 * @param {HTMLElement} row
 * @param {Step} step
 */
function fillStep(row, step) {
  row.dataset.status = step.status;
  row.toggleAttribute("aria-current", false);
  if (step.status === "now") row.setAttribute("aria-current", "step");
  const [, name, time, more] = row.children;
  setText(name, stepText(step));
  setText(time, step.at ? clock(step.at) : "");
  const [bar, text] = more.children;
  setText(text, step.bytes ? bytesText(step.bytes) : step.more ? t(step.more) : "");
  more.toggleAttribute("hidden", text.textContent === "");
  bar.toggleAttribute("hidden", !step.bytes);
  if (step.bytes) fillBar(/** @type {HTMLProgressElement} */ (bar), step.bytes);
}

/** @param {Step} step */
function stepText({ key, values = {} }) {
  const { received = 0, amount = 0 } = values;
  return t(key, { ...values, received: satText(received), amount: satText(amount) });
}

/** @param {{bytes: number, total: number}} progress */
const bytesText = ({ bytes, total }) => t("bytes.of", { done: sizeText(bytes), total: sizeText(total) });

/**
 * @param {HTMLProgressElement} bar
 * @param {{bytes: number, total: number}} progress
 */
export function fillBar(bar, { bytes, total }) {
  bar.max = Math.max(1, total);
  bar.value = bytes;
  bar.setAttribute("aria-label", bytesText({ bytes, total }));
}

/**
 * The access link that brings a buyer back, on any device.
 * @param {{folded?: boolean}} [look] folded: one line to open, while something else comes first
 */
export function accessLinkBox({ folded = false } = {}) {
  let link = "";
  const button = copyButton(() => link, { label: t("keep.copy"), class: "button" });
  const text = h("p", { class: "small soft" }, t("keep.text"));
  const open = () => h("section", { class: "keep" }, h("h2", {}, t("keep.title")), text, button);
  const node = folded ? h("details", {}, h("summary", {}, t("keep.title")), h("div", { class: "stack" }, text, button)) : open();
  return {
    node,
    /** @param {State} state */
    update(state) {
      link = state.accessLink ?? "";
      node.hidden = link === "";
    },
  };
}

/** What went wrong with the last press, or with the connection. */
export function noteLine() {
  const node = h("p", { class: "notice warn", hidden: true });
  return {
    node,
    /** @param {State} state */
    update(state) {
      const text = state.note ? errorText(state.note) : state.offline ? t("offline") : state.vanished ? t("vanished") : "";
      setText(node, text);
      node.hidden = text === "";
    },
  };
}
