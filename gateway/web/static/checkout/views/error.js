/** Something stops here: one sentence, and what to do. */

import { h, heading, setText } from "../../ui/dom.js";
import { errorText, t } from "../../ui/translations.js";
import { accessLinkBox, reportLink } from "./shared-parts.js";

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{retry: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function troubleView(state, act) {
  const text = h("p", { class: "soft" });
  const retry = h("button", { type: "button", class: "button primary", onclick: act.retry }, t("retry"));
  const title = heading("");
  const paid = h("p", { class: "notice" }, t("trouble.paid"));
  const back = accessLinkBox();
  const tell = state.offer && reportLink(state.offer.fileId);
  return {
    node: h("div", { class: "card" }, h("div", { class: "offer-head" }, title, text), paid, retry, back.node, tell),
    update(next) {
      const trouble = next.trouble ?? { code: "unexpected" };
      setText(title, titleOf(trouble.code, next.offer !== null));
      setText(text, errorText(trouble));
      retry.hidden = HOPELESS.includes(trouble.code);
      paid.hidden = !next.purchase || ["gateway_dishonest", "taken_down"].includes(trouble.code);
      back.update(next);
      back.node.hidden ||= trouble.code === "taken_down" && !next.purchase?.received_sat;
      if (tell) tell.hidden = trouble.code === "taken_down";
    },
  };
}

/**
 * @param {string} code
 * @param {boolean} offered
 */
function titleOf(code, offered) {
  if (code === "gateway_dishonest") return t("trouble.dishonest");
  if (code === "taken_down") return t("page.down.title");
  return t(offered ? "trouble.title" : "trouble.link");
}

/** Trying the same again cannot help. */
const HOPELESS = ["invalid_link", "no_link_share", "not_found", "wrong_key", "sealed_wrongly", "gateway_dishonest", "taken_down", "insecure_context", "unsupported_browser"];
