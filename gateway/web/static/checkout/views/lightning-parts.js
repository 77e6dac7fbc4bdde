/** What the payment request shows of Lightning: the choice of code, what became of the invoice, the browser's wallet. */

import { h, setText } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";

/** @typedef {import("../ways-to-pay.js").WaysToPay} WaysToPay */
/** @typedef {{enable: () => Promise<unknown>, sendPayment: (invoice: string) => Promise<{preimage: string}>}} WebLn webln.guide */

/** @param {(way: "any" | "lightning") => void} onChoice */
export function wayChoice(onChoice) {
  const cost = h("small");
  const any = h("button", { type: "button", onclick: () => onChoice("any") }, t("ways.any"), cost);
  const only = h("button", { type: "button", onclick: () => onChoice("lightning") }, t("ways.lightning"), h("small", {}, t("ways.cost")));
  const node = h("div", { class: "ways", role: "group", "aria-label": t("ways.label") }, any, only);
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ canChoose, way, onchainFeeSat: fee }) {
      node.hidden = !canChoose;
      setText(cost, fee === null ? t("ways.cost") : t("ways.any.fee", { fee: satText(fee) }));
      any.setAttribute("aria-pressed", String(way === "any"));
      only.setAttribute("aria-pressed", String(way === "lightning"));
    },
  };
}

/** @param {{askForLightning: () => void}} act */
export function lightningLine({ askForLightning }) {
  const text = h("p", { class: "soft", role: "status" });
  const again = h("button", { type: "button", class: "button", onclick: askForLightning }, t("lightning.again"));
  const node = h("div", { class: "lightning-line" }, text, again);
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ trouble, way }) {
      node.hidden = trouble === null;
      again.hidden = trouble !== "unavailable" && trouble !== "expired";
      if (trouble === "preparing") setText(text, t(way === null ? "lightning.waiting" : "lightning.preparing"));
      if (trouble === "expired") setText(text, t("lightning.expired"));
      if (trouble === "unavailable") setText(text, t(way === null ? "lightning.none" : "lightning.unavailable"));
    },
  };
}

/**
 * A wallet in the browser pays at a click, and its preimage is the receipt (WebLN).
 * @param {(preimage: string) => void} onPaid
 */
export function webLnButton(onPaid) {
  let shown = "";
  const node = h("button", { type: "button", class: "button", hidden: true, onclick: () => pay().catch(() => {}) }, t("lightning.browser"));
  async function pay() {
    const { webln } = /** @type {{webln?: WebLn}} */ (globalThis);
    if (!webln || !shown) return;
    await webln.enable();
    onPaid((await webln.sendPayment(shown)).preimage);
  }
  return {
    node,
    /** @param {WaysToPay} ways */
    update({ invoice }) {
      shown = invoice ?? "";
      node.hidden = !("webln" in globalThis) || invoice === null;
    },
  };
}
