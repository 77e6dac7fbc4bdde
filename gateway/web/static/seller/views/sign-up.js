/** A new account: its code is shown once, kept by the person, and confirmed before it matters. */

import { qrImage } from "../../qr/qr.js";
import { groupsOf } from "../../sealing/account-code.js";
import { copyButton } from "../../ui/copy-button.js";
import { h, heading } from "../../ui/dom.js";
import { errorText, t } from "../../ui/translations.js";
import { field, problemLine } from "./labelled-field.js";

/**
 * @param {string} code
 * @param {{next: () => void, back: () => void}} act
 */
export function accountCodeView(code, { next, back }) {
  const groups = h("ol", { class: "code-groups", "aria-label": t("sell.code") }, ...groupsOf(code).map((group) => h("li", {}, group)));
  const shown = h("div", { class: "printed" }, heading(t("sell.code.title")), groups, h("div", { class: "qr" }, qrImage(code, t("sell.code.qr"))), h("p", { class: "small soft" }, location.host));
  const save = h("a", { class: "button", href: fileOf(code), download: "bitcache-account-code.txt" }, t("sell.code.save"));
  const print = h("button", { type: "button", class: "button", onclick: () => globalThis.print() }, t("sell.code.print"));
  const copy = copyButton(() => code, { label: t("sell.code.copy"), class: "button" });
  const go = h("button", { type: "button", class: "button primary", onclick: next }, t("sell.code.next"));
  const leave = h("button", { type: "button", class: "plain", onclick: back }, t("sell.payout.keep"));
  return h(
    "div",
    { class: "card" },
    shown,
    h("p", { class: "notice warn no-print" }, t("sell.code.lost")),
    h("div", { class: "stack no-print" }, h("div", { class: "three" }, copy, save, print), go, leave),
  );
}

/** @param {string} code */
const fileOf = (code) => `data:text/plain;charset=utf-8,${encodeURIComponent(`${t("sell.code.file", { site: location.origin })}\n\n${code}\n`)}`;

/**
 * @param {string} code
 * @param {{create: (name: string) => Promise<void>, back: () => void}} act `create` may fail
 */
export function confirmCodeView(code, { create, back }) {
  const groups = groupsOf(code);
  const asked = 1 + (crypto.getRandomValues(new Uint8Array(1))[0] % groups.length);
  const typed = h("input", { required: true, maxlength: 9, autocomplete: "off", spellcheck: "false", autocapitalize: "characters", class: "mono" });
  const part = field(t("sell.code.part", { number: asked }), typed, t("sell.code.part.hint"));
  const name = h("input", { required: true, maxlength: 100, autocomplete: "nickname" });
  const called = field(t("sell.code.name"), name, t("sell.code.name.hint"));
  const problem = h("div");
  const button = h("button", { class: "button primary" }, t("sell.signup"));
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const right = typed.value.toUpperCase().trim().replaceAll("O", "0").replace(/[IL]/g, "1") === groups[asked - 1];
    part.wrong(right ? "" : t("sell.code.part.wrong"));
    if (!right) return typed.focus();
    button.disabled = true;
    await create(name.value.trim()).catch((error) => problem.replaceChildren(problemLine(errorText(error))));
    button.disabled = false;
  };
  const again = h("button", { type: "button", class: "plain", onclick: back }, t("sell.code.again"));
  const head = h("div", { class: "offer-head" }, heading(t("sell.code.confirm")), h("p", { class: "soft" }, t("sell.code.confirm.text")));
  return h("div", { class: "card" }, head, h("form", { class: "stack", onsubmit }, part.node, called.node, problem, button, again));
}
