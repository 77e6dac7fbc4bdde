/** The account: who is signed in, tokens for programs, how long a change of payout waits, and what happened. */

import { copyButton } from "../../ui/copy-button.js";
import { h, heading } from "../../ui/dom.js";
import { language, t } from "../../ui/translations.js";
import { field, problemLine } from "./labelled-field.js";

/** @typedef {import("../account-api.js").Account} Account */
/** @typedef {import("../account-api.js").AccessToken} AccessToken */
/**
 * @typedef {object} AccountActions each may fail, and shows the account again
 * @property {(id: number) => Promise<void>} revoke
 * @property {(id: number) => Promise<void>} rotate
 * @property {(name: string, scope: "read" | "sell") => Promise<void>} make
 * @property {(seconds: number) => Promise<void>} delay
 * @property {() => void} back
 */

const HOUR = 3600;
const DELAYS = [0, HOUR, 24 * HOUR, 72 * HOUR, 168 * HOUR];

/**
 * @param {Account} account
 * @param {AccountActions} act
 * @param {{secret?: string, problem?: string}} [news] a token that was just made
 */
export function accountView(account, act, { secret, problem } = {}) {
  const sessions = account.tokens.filter(({ kind }) => kind === "session");
  const tokens = account.tokens.filter(({ kind }) => kind === "token");
  return h(
    "div",
    { class: "card" },
    h("div", { class: "offer-head" }, heading(t("sell.account.title")), h("p", { class: "soft" }, account.name)),
    problemLine(problem),
    secret ? secretPart(secret) : "",
    part(t("sell.account.sessions"), list(sessions, (session) => [tokenLine(session), revokeButton(session, act)])),
    part(t("sell.account.tokens"), list(tokens, (token) => [tokenLine(token), rotateButton(token, act), revokeButton(token, act)]), makePart(act)),
    part(t("sell.account.delay"), delayPart(account.payout_delay, act)),
    part(t("sell.account.events"), h("ul", { class: "plain-list" }, ...account.events.slice(0, 20).map(eventLine))),
    h("button", { type: "button", class: "button", onclick: act.back }, t("sell.account.back")),
  );
}

/**
 * @param {string} title
 * @param {...Node} content
 */
const part = (title, ...content) => h("section", { class: "stack" }, h("h2", {}, title), ...content);

/**
 * @param {AccessToken[]} tokens
 * @param {(token: AccessToken) => (Node | null)[]} line
 */
const list = (tokens, line) => (tokens.length ? h("ul", { class: "plain-list" }, ...tokens.map((token) => h("li", { class: "row" }, ...line(token)))) : h("p", { class: "soft" }, t("sell.account.none")));

/** @param {number} at Unix seconds */
const when = (at) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at * 1000);

/** @param {AccessToken} token */
function tokenLine({ name, kind, scope, current, last_used_at: used }) {
  const about = [current && t("sell.account.current"), kind === "token" && t(`sell.account.scope.${scope}`), t("sell.account.used", { time: when(used) })];
  return h("div", {}, h("strong", {}, name), h("div", { class: "small soft" }, about.filter(Boolean).join(" · ")));
}

/**
 * @param {AccessToken} token
 * @param {AccountActions} act
 */
const revokeButton = ({ id, name, current }, act) =>
  current ? null : h("button", { type: "button", class: "plain", "aria-label": t("sell.account.revoke.named", { name }), onclick: () => act.revoke(id) }, t("sell.account.revoke"));

/**
 * @param {AccessToken} token
 * @param {AccountActions} act
 */
const rotateButton = ({ id, name }, act) => h("button", { type: "button", class: "plain", "aria-label": t("sell.account.rotate.named", { name }), onclick: () => act.rotate(id) }, t("sell.account.rotate"));

/** @param {string} secret */
function secretPart(secret) {
  const text = h("input", { readonly: true, value: secret, "aria-label": t("sell.account.secret"), class: "mono" });
  return h("div", { class: "stack" }, h("p", { class: "notice good", role: "status" }, t("sell.account.secret.text")), h("div", { class: "copybox" }, text, copyButton(() => secret, { label: t("sell.account.secret.copy"), class: "button" })));
}

/** @param {AccountActions} act */
function makePart(act) {
  const name = h("input", { required: true, maxlength: 100, autocomplete: "off" });
  const scope = h("select", {}, h("option", { value: "sell" }, t("sell.account.scope.sell")), h("option", { value: "read" }, t("sell.account.scope.read")));
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    act.make(name.value.trim(), scope.value === "read" ? "read" : "sell");
  };
  const form = h("form", { class: "stack", onsubmit }, field(t("sell.account.make.name"), name).node, field(t("sell.account.make.scope"), scope).node, h("button", { class: "button" }, t("sell.account.make")));
  return h("details", {}, h("summary", {}, t("sell.account.make")), form);
}

/**
 * @param {number} seconds
 * @param {AccountActions} act
 */
function delayPart(seconds, act) {
  const options = [...new Set([...DELAYS, seconds])].sort((one, other) => one - other);
  const choice = h("select", {}, ...options.map((delay) => h("option", { value: delay, selected: delay === seconds }, delayText(delay))));
  choice.addEventListener("change", () => act.delay(Number(choice.value)));
  return field(t("sell.account.delay.field"), choice, t("sell.account.delay.hint")).node;
}

/** @param {number} seconds */
const delayText = (seconds) => (seconds === 0 ? t("sell.account.delay.none") : t("sell.account.delay.hours", { n: Math.round(seconds / HOUR) }));

/** @param {{kind: string, about: string, at: number}} event */
const eventLine = ({ kind, about, at }) => h("li", { class: "small" }, `${when(at)} · ${t(`sell.event.${kind}`)}${about ? `: ${about}` : ""}`);

/**
 * Shown on every screen while a change of payout waits.
 * @param {{of: string[], effective_at: number}} change
 * @param {() => void} cancel
 */
export function changeNotice({ of: what, effective_at: at }, cancel) {
  const lines = what.map((changed) => h("p", {}, t(`sell.change.${changed}`, { time: when(at) })));
  const button = h("button", { type: "button", class: "button", onclick: cancel }, t("sell.change.cancel"));
  return h("div", { class: "notice warn stack", role: "status" }, ...lines, h("p", {}, t("sell.change.you")), button);
}
