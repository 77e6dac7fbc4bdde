/** Signing in with the seller's token. */

import { freshId, h, heading } from "../../ui/dom.js";
import { t } from "../../ui/translations.js";
import { problemLine } from "./labelled-field.js";

/**
 * @param {(token: string, remember: boolean) => Promise<void>} signIn
 * @param {string} [problem] why the last attempt failed
 */
export function signInView(signIn, problem) {
  const id = freshId();
  const input = h("input", { id, type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const remember = h("input", { type: "checkbox" });
  const button = h("button", { class: "button primary" }, t("sell.signin.go"));
  const field = h("div", { class: "field" }, h("label", { for: id }, t("sell.signin.token")), input);
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    await signIn(input.value.trim(), remember.checked);
    button.disabled = false;
  };
  const head = h("div", { class: "offer-head" }, heading(t("sell.signin.title")), h("p", { class: "soft" }, t("sell.signin.text")));
  const check = h("label", { class: "check" }, remember, t("sell.signin.remember"));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, field, check, problemLine(problem), button));
}
