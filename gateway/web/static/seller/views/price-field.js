/** A price in satoshis, with what it is in BTC and whether it is sensible. */

import { h } from "../../ui/dom.js";
import { btcText, satText } from "../../ui/format-numbers.js";
import { t } from "../../ui/translations.js";
import { adviceOn, parsePrice } from "../validate.js";
import { field } from "./labelled-field.js";

/**
 * @param {number} smallest
 * @param {number} [before]
 */
export function priceField(smallest, before) {
  const input = h("input", { inputmode: "numeric", autocomplete: "off", placeholder: "5000", value: before ?? "" });
  const part = field(t("sell.form.price"), input, "", h("div", { class: "amount" }, input, h("span", {}, "sat")));
  const value = () => parsePrice(input.value);
  const show = () => {
    const price = value();
    const advice = adviceOn(price, smallest);
    const btc = price === null ? "" : t("sell.form.price.hint", { btc: btcText(price) });
    const words = advice ? t(advice.key, { min: satText(advice.sat), good: satText(advice.sat) }) : "";
    part.hint([btc, words].filter(Boolean).join(". "));
    part.wrong();
  };
  input.addEventListener("input", show);
  show();
  return { ...part, value };
}
