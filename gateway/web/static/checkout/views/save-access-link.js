/** Where the browser keeps nothing: the access link first, the invoice after. */

import { copyButton } from "../../ui/copy-button.js";
import { freshId, h, heading, setText } from "../../ui/dom.js";
import { satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { noteLine } from "./shared-parts.js";

/**
 * @param {import("../checkout-state.js").State} state
 * @param {{linkKept: () => void}} act
 * @returns {import("./shared-parts.js").View}
 */
export function keepView(state, act) {
  const link = state.linkToKeep ?? "";
  const id = freshId();
  const field = h("textarea", { id, readonly: true, rows: 4, class: "mono small", spellcheck: "false" });
  field.value = link;
  const go = h("button", { type: "button", class: "button", disabled: true, onclick: act.linkKept });
  const enable = () => {
    go.disabled = false;
    go.classList.add("primary");
    copy.classList.remove("primary");
  };
  field.addEventListener("focus", () => (field.select(), enable()));
  const copy = copyButton(() => link, { label: t("keep.copy"), class: "button primary" });
  copy.addEventListener("click", enable);
  const note = noteLine();
  const head = h("div", { class: "offer-head" }, heading(t("keep.first")), h("p", { class: "soft" }, t("keep.first.text")));
  const shown = h("div", { class: "field" }, h("label", { for: id }, t("keep.label")), field);
  return {
    node: h("div", { class: "card" }, head, shown, h("div", { class: "stack" }, copy, go, note.node)),
    update(next) {
      setText(go, next.starting ? t("offer.starting") : t("keep.done", { price: satText(state.offer?.priceSat ?? 0) }));
      if (next.starting) go.disabled = true;
      else if (next.note) enable();
      note.update(next);
    },
  };
}
