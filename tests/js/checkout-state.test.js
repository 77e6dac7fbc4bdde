/** The checkout's reducer, screens and steps: what is shown follows from what happened, in any order. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { mayDownload, reduce, viewNameOf, START } from "../../gateway/web/static/checkout/checkout-state.js";
import { stepsOf } from "../../gateway/web/static/checkout/progress-steps.js";
import { adviceOn, check, parsePrice } from "../../gateway/web/static/seller/validate.js";
import { snippet } from "../../gateway/web/static/seller/views/published.js";
import { btcText, countdown, grouped, scaled } from "../../gateway/web/static/ui/format-numbers.js";
import { requestOf } from "./fake-buyer.js";

const OFFER = { fileId: "F", title: "A song", name: "song.flac", type: "audio/flac", size: 5, priceSat: 2500, sealedSize: 77, onchainFeeSat: null, demo: false, simulated: false, paused: null };
const Purchase = {
  purchase_id: "T", file_id: "F", state: "new", marks: [], amount_sat: 2500, amount_btc: "0.000025", received_sat: 0, due_sat: 2500,
  payment_requests: [requestOf(2500)], payments: [], confirmations: 0, confirmations_required: 2, created_at: 1, expires_at: 3601,
  seen_at: null, settled_at: null, released: false, network: "main",
};
const FILE = { name: "song.flac", type: "audio/flac", size: 5, blob: null };

const after = (...events) => events.reduce(reduce, START);
const offered = { type: "offer", offer: OFFER };
const purchase = (changes = {}) => ({ type: "purchase", purchase: { ...Purchase, ...changes } });
const statuses = (state) => stepsOf(state).map(({ status }) => status);

test("each turn of events has its screen", () => {
  assert.equal(viewNameOf(START), "loading");
  assert.equal(viewNameOf(after(offered)), "offer");
  assert.equal(viewNameOf(after(offered, { type: "start" })), "offer");
  assert.equal(viewNameOf(after(offered, purchase())), "invoice");
  assert.equal(viewNameOf(after(offered, purchase({ state: "processing" }))), "waiting");
  assert.equal(viewNameOf(after(offered, purchase({ state: "settled", released: true }))), "waiting");
  assert.equal(viewNameOf(after(offered, purchase({ state: "expired" }))), "expired");
  assert.equal(viewNameOf(after(offered, purchase({ state: "invalid", released: true }))), "waiting");
  assert.equal(viewNameOf(after({ type: "trouble", trouble: { code: "invalid_link" } })), "trouble");
  assert.equal(viewNameOf(after(offered, purchase(), { type: "opened", at: 9, file: FILE })), "done");
});

test("an opened file stays, whatever becomes of the payment", () => {
  const state = after(offered, purchase({ state: "settled", released: true }), { type: "opened", at: 9, file: FILE });
  assert.equal(viewNameOf(reduce(state, purchase({ state: "invalid", released: true }))), "done");
});

test("a payment that was replaced leads back to the invoice, and the download is held", () => {
  const seen = after(offered, purchase({ state: "processing" }), { type: "downloading", bytes: 10, total: 77 });
  const back = reduce(reduce(seen, { type: "held" }), purchase({ state: "new" }));
  assert.equal(viewNameOf(back), "invoice");
  assert.deepEqual(statuses(back), ["now", "todo", "todo", "todo"]);
});

test("a payment that vanished is said until another one is seen", () => {
  const gone = after(offered, purchase({ state: "processing", received_sat: 2500 }), purchase());
  assert.equal(gone.vanished, true);
  assert.equal(reduce(gone, purchase()).vanished, true);
  assert.equal(reduce(gone, purchase({ state: "processing", received_sat: 2500 })).vanished, false);
});

test("news of another purchase changes nothing", () => {
  const state = after(offered, purchase());
  assert.equal(reduce(state, purchase({ purchase_id: "U", state: "settled" })), state);
});

test("the same news twice is shown once", () => {
  const state = after(offered, purchase({ state: "processing" }));
  assert.deepEqual(reduce(state, purchase({ state: "processing" })), state);
});

test("the rest can be sent after the time is up", () => {
  const partly = after(offered, purchase({ state: "expired", received_sat: 1000, due_sat: 1500 }));
  assert.equal(viewNameOf(partly), "expired");
  assert.equal(viewNameOf(reduce(partly, { type: "payRest" })), "invoice");
});

test("starting again forgets the purchase but not the offer", () => {
  const again = after(offered, purchase({ state: "expired" }), { type: "saysPaid" }, { type: "startAgain" });
  assert.deepEqual(again, after(offered));
});

test("trouble ends with a retry, a note with the next news", () => {
  const troubled = after(offered, purchase({ state: "processing" }), { type: "trouble", trouble: { code: "tampered" } });
  assert.equal(viewNameOf(reduce(troubled, { type: "retry" })), "waiting");
  assert.equal(after(offered, purchase(), { type: "note", note: { code: "chain" } }, purchase()).note, null);
});

test("the sealed bytes may be fetched once enough was seen, and for ever after release", () => {
  const may = (changes) => mayDownload({ ...Purchase, ...changes });
  assert.deepEqual([may({}), may({ state: "expired" }), may({ state: "invalid" })], [false, false, false]);
  assert.deepEqual([may({ state: "processing" }), may({ state: "settled" }), may({ state: "invalid", released: true })], [true, true, true]);
  assert.equal(mayDownload(null), false);
});

test("steps: waiting, partial, seen, counting blocks, downloading meanwhile, opening, done", () => {
  assert.deepEqual(statuses(after(offered, purchase())), ["now", "todo", "todo", "todo"]);
  const partial = stepsOf(after(offered, purchase({ received_sat: 1000 })))[0];
  assert.deepEqual([partial.key, partial.values], ["step.pay.partial", { received: 1000, amount: 2500 }]);
  const seen = after(offered, purchase({ state: "processing", seen_at: 100, confirmations: 1 }), { type: "downloading", bytes: 7, total: 77 });
  assert.deepEqual(statuses(seen), ["done", "now", "now", "todo"]);
  assert.deepEqual(stepsOf(seen)[1].values, { have: 1, n: 2 });
  assert.deepEqual(stepsOf(seen)[2].bytes, { bytes: 7, total: 77 });
  const opening = [seen, purchase({ state: "settled", released: true }), { type: "downloaded", at: 5 }, { type: "opening", at: 6 }];
  const open = opening.slice(1).reduce(reduce, seen);
  assert.deepEqual(statuses(open), ["done", "done", "done", "now"]);
  assert.deepEqual(statuses(reduce(open, { type: "opened", at: 7, file: FILE })), ["done", "done", "done", "done"]);
  assert.deepEqual(statuses(after(offered, purchase({ state: "invalid", released: true })))[1], "bad");
});

test("amounts are whole numbers from end to end", () => {
  assert.equal(grouped(1234567), "1\u202f234\u202f567");
  assert.deepEqual([1, 2500, 100_000_000, 2_100_000_000_000_000].map(btcText), ["0.00000001", "0.000025", "1", "21000000"]);
});

test("sizes and countdowns", () => {
  assert.deepEqual(scaled(999), { unit: "size.b", value: 999 });
  assert.deepEqual(scaled(31_415_926), { unit: "size.mb", value: 31.4 });
  assert.deepEqual(scaled(999_960), { unit: "size.mb", value: 1 });
  assert.deepEqual([872, 3900, 0, -5].map(countdown), ["14:32", "1:05:00", "0:00", "0:00"]);
});

test("where the mempool is not seen, the buyer is told to pay once and wait for a block", () => {
  assert.equal(stepsOf(after(offered, purchase()))[0].more, undefined);
  assert.equal(stepsOf(after(offered, purchase({ payment_requests: [requestOf(2500, undefined, false)] })))[0].more, "step.pay.blind");
});

test("prices as people type them", () => {
  assert.deepEqual(["2500", "2 500", "2\u202f500", " 7 "].map(parsePrice), [2500, 2500, 2500, 7]);
  assert.deepEqual(["", "0", "-1", "2,5", "1e3", "2.500", "9999999999999999"].map(parsePrice), new Array(7).fill(null));
  assert.deepEqual([adviceOn(100, 294)?.key, adviceOn(2500, 294)?.key, adviceOn(9000, 294), adviceOn(null, 294)], ["sell.advice.dust", "sell.advice.small", null, null]);
});

test("a sale is checked before anything is sealed", () => {
  const limits = { smallest: 294, largest: 100, left: 60 };
  const file = (size, name = "a.txt", type = "text/plain") => ({ size, name, type });
  const good = { files: [file(5)], title: "A", price: 2500, preview: null };
  assert.deepEqual(check(good, limits), {});
  assert.deepEqual(Object.keys(check({ files: [], title: " ", price: null, preview: file(5, "x.svg", "image/svg+xml") }, limits)), ["file", "title", "price", "preview"]);
  assert.equal(check({ ...good, files: [file(5), file(0)] }, limits).file, "sell.wrong.empty");
  assert.equal(check({ ...good, files: [file(101)] }, limits).file, "sell.wrong.large");
  assert.equal(check({ ...good, files: [file(50), file(50)] }, limits).file, "sell.wrong.quota", "together");
  assert.deepEqual(check({ ...good, files: [file(5), file(6)], title: "" }, limits), {}, "several go by their own names");
  assert.equal(check({ ...good, price: 293 }, limits).price, "sell.advice.dust");
});

test("a title cannot break out of the pay button's HTML", () => {
  const html = snippet("https://g.example/f/F#A", 'Buy "<img src=x>" & more');
  assert.ok(!html.includes("<img"));
  assert.ok(html.includes("Buy &#34;&#60;img src=x&#62;&#34; &#38; more</a>"));
});
