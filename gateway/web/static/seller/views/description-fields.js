/** What a seller says beside the title: a description, and who sells. Sealed with the title; buyers alone read it. */

import { cleanDescription, cleanTitle, MAX_DESCRIPTION_CHARS } from "../../sealing/safe-name.js";
import { h } from "../../ui/dom.js";
import { t } from "../../ui/translations.js";
import { field } from "./labelled-field.js";

/** @param {{description?: string, contact?: string}} before */
export function descriptionFields({ description: text = "", contact: line = "" }) {
  const area = h("textarea", { rows: 5, maxlength: MAX_DESCRIPTION_CHARS });
  area.value = text;
  const description = field(t("sell.form.description"), area, t("sell.form.description.hint"));
  const input = h("input", { maxlength: 200, autocomplete: "off", value: line });
  const contact = field(t("sell.form.contact"), input, t("sell.form.contact.hint"));
  const node = h("details", { open: text !== "" || line !== "" }, h("summary", {}, t("sell.form.more")), description.node, contact.node);
  return {
    node,
    value: () => ({ description: area.value.replaceAll("\r\n", "\n"), contact: input.value.trim() }),
    /** Say what cannot be taken; whether all can. */
    check() {
      const wrong = [says(description, () => cleanDescription(area.value)), says(contact, () => input.value.trim() && cleanTitle(input.value))];
      if (wrong.includes(false)) node.open = true;
      return !wrong.includes(false);
    },
  };
}

/**
 * @param {{wrong: (text?: string) => void}} part
 * @param {() => unknown} clean fails for hidden characters
 */
function says(part, clean) {
  try {
    clean();
    part.wrong();
    return true;
  } catch {
    part.wrong(t("sell.wrong.hidden"));
    return false;
  }
}
