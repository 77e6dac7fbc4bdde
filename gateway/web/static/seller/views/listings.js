/** One's own files and what each has earned. */

import { report } from "../../sealing/errors.js";
import { copyButton } from "../../ui/copy-button.js";
import { h } from "../../ui/dom.js";
import { day, satText } from "../../ui/format-numbers.js";
import { errorText, t } from "../../ui/translations.js";
import { limitsLine, stateLine } from "./manage-listing.js";

/** @typedef {import("../seller-api.js").Listing} Listing */
/** @typedef {import("../saved-links.js").Kept} Kept */
/**
 * @typedef {object} ListingActions
 * @property {(listing: Listing, kept: Kept) => void} show
 * @property {(listing: Listing) => void} manage
 */

/**
 * @typedef {{listings: Listing[], next: string | null}} Page
 * @param {Page} page the first one
 * @param {(after: string) => Promise<Page>} load
 * @param {{links: Record<string, Kept>, smallest: number}} mine `smallest`: the least that can be paid to the seller, in satoshis
 * @param {ListingActions} act
 */
export function listingsView(page, load, { links, smallest }, act) {
  if (page.listings.length === 0) return "";
  const list = h("ul", { class: "listings" });
  const more = h("button", { type: "button", class: "plain" }, t("sell.list.more"));
  const trouble = h("p", { class: "small", role: "status" });
  let next = page.next;
  const add = (/** @type {Page} */ page) => {
    const rows = page.listings.map((listing) => row(listing, links[listing.file_id], smallest, act));
    list.append(...rows);
    next = page.next;
    more.hidden = next === null;
    return rows[0];
  };
  more.onclick = async () => {
    more.disabled = true;
    try {
      const first = add(await load(/** @type {string} */ (next)));
      trouble.textContent = "";
      first?.focus();
    } catch (error) {
      trouble.textContent = errorText(report(error));
    } finally {
      more.disabled = false;
    }
  };
  add(page);
  const note = h("p", { class: "small soft" }, t("sell.list.note"));
  return h("section", { class: "card no-print" }, h("h2", {}, t("sell.list.title")), list, more, trouble, note);
}

/**
 * @param {Listing} listing
 * @param {Kept | undefined} kept
 * @param {number} smallest
 * @param {ListingActions} act
 */
function row(listing, kept, smallest, act) {
  const { price_sat: price, created_at: at, sales } = listing;
  const about = t("sell.list.since", { price: satText(price), day: day(at) });
  const ofLink = kept && listing.state !== "withdrawn" && [action("sell.list.show", () => act.show(listing, kept)), copyButton(() => kept.link, { label: t("sell.list.copy") })];
  const actions = h("div", { class: "row wrap" }, action("sell.list.manage", () => act.manage(listing)), ...(ofLink || []));
  return h(
    "li",
    { tabindex: "-1" },
    h("span", { class: "title" }, kept?.title ?? t("sell.list.unknown")),
    h("span", { class: "small soft" }, about),
    h("span", { class: "small" }, salesText(sales)),
    limitsLine(listing),
    stateLine(listing),
    price < smallest && h("p", { class: "notice warn" }, t("sell.list.cheap", { min: satText(smallest) })),
    actions,
  );
}

/**
 * @param {string} key
 * @param {() => void} onclick
 */
const action = (key, onclick) => h("button", { type: "button", class: "plain", onclick }, t(key));

/** @param {Listing["sales"]} sales */
function salesText({ settled, pending, received_sat: received }) {
  const sold = settled === 0 ? t("sell.list.none.sold") : t("sell.list.sold", { n: settled, received: satText(received) });
  return pending === 0 ? sold : `${sold}. ${t("sell.list.pending", { n: pending })}`;
}
