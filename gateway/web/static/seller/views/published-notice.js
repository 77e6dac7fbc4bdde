/** What became of the files that were published together: how many are for sale, and why others are not. */

import { h } from "../../ui/dom.js";
import { errorText, t } from "../../ui/translations.js";
import { problemLine } from "./labelled-field.js";

/**
 * @param {number} done
 * @param {{sale: {file: File}, code: string}[]} failed those that the seller paused need no word
 */
export function publishedNotice(done, failed) {
  const problems = failed.filter(({ code }) => code !== "cancelled");
  const single = done === 0 && failed.length === 1;
  const lines = problems.map((problem) => (single ? errorText(problem) : t("sell.unpublished", { name: problem.sale.file.name, why: errorText(problem) })));
  if (done === 0 && lines.length === 0) return undefined;
  const good = done > 0 && h("p", { class: "notice good", role: "status" }, t("sell.published", { n: done }));
  return h("div", { class: "stack" }, good, ...lines.map(problemLine));
}
