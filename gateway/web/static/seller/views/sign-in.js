/** Signing in with the account code, or with a seller token; and the way to a new account. */

import { h, heading } from "../../ui/dom.js";
import { t } from "../../ui/translations.js";
import { field, problemLine } from "./labelled-field.js";

/**
 * @param {(text: string, remember: boolean) => Promise<void>} signIn
 * @param {{problem?: string, signUp?: () => void}} [more] why the last attempt failed; the way to a new account, where there is one
 */
export function signInView(signIn, { problem, signUp } = {}) {
  const input = h("input", { type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const remember = h("input", { type: "checkbox" });
  const button = h("button", { class: "button primary" }, t("sell.signin.go"));
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    await signIn(input.value.trim(), remember.checked);
    button.disabled = false;
  };
  const head = h("div", { class: "offer-head" }, heading(t("sell.signin.title")), h("p", { class: "soft" }, t("sell.signin.text")));
  const check = h("label", { class: "check" }, remember, t("sell.signin.remember"));
  const secret = field(t("sell.signin.code"), input, t("sell.signin.code.hint"));
  const form = h("form", { class: "stack", onsubmit }, secret.node, check, problemLine(problem), button);
  const newcomer = signUp && h("button", { type: "button", class: "button", onclick: signUp }, t("sell.signup"));
  return h("div", { class: "card" }, head, form, newcomer && h("hr"), newcomer);
}

/**
 * The account code once more, before the money may go elsewhere.
 * @param {(text: string) => Promise<void>} prove may fail
 * @param {{problem?: string, cancel: () => void}} more
 */
export function proofView(prove, { problem, cancel }) {
  const input = h("input", { type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const button = h("button", { class: "button primary" }, t("sell.proof.go"));
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    await prove(input.value.trim());
    button.disabled = false;
  };
  const head = h("div", { class: "offer-head" }, heading(t("sell.proof.title")), h("p", { class: "soft" }, t("sell.proof.text")));
  const stay = h("button", { type: "button", class: "plain", onclick: cancel }, t("sell.payout.keep"));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, field(t("sell.signin.code"), input).node, problemLine(problem), button, stay));
}
