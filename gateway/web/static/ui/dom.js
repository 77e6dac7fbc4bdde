/** Elements in one line each; text always as text nodes, never as markup. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] a function under `onclick` and the like listens; true, false or null set or leave out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...present(children));
  return element;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
export function present(children) {
  return /** @type {(Node | string)[]} */ (children.filter((child) => child || child === ""));
}

/**
 * Sets text only where it differs, so that nothing is announced or laid out twice.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let counter = 0;

/** An id for one label and its field. */
export const freshId = () => `f${++counter}`;

/**
 * A heading that takes the focus when its screen appears, so that a screen reader starts there.
 * @param {string} text
 */
export const heading = (text) => h("h1", { tabindex: "-1" }, text);

/**
 * @param {string} question
 * @param {...string} answers one paragraph each
 */
export function ask(question, ...answers) {
  return h("details", {}, h("summary", {}, question), ...answers.map((answer) => h("p", {}, answer)));
}
