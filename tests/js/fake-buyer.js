/** A browser's storage and a gateway that knows some claims, for tests of the buyer's page without a browser. */

import { createHash } from "node:crypto";

import { paymentUri } from "../../gateway/web/static/checkout/invoice-terms.js";

/** Storage that can be full. */
export class FakeStorage {
  kept = new Map();
  full = false;
  getItem = (key) => this.kept.get(key) ?? null;
  setItem(key, value) {
    if (this.full) throw new Error("QuotaExceededError");
    this.kept.set(key, value);
  }
  removeItem = (key) => this.kept.delete(key);
}

export const FILE = "AAECAwQFBgcICQoLDA0ODw";
export const OFFER = { fileId: FILE, priceSat: 2500 };
export const ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
/** The claim number `n`. */
export const claim = (n) => `${"A".repeat(40)}${String(n).padStart(2, "0")}A`;
const idOf = (text) => createHash("sha256").update(text).digest("base64url").slice(0, 22);

export function purchaseOf(theirs, changes = {}) {
  const { state = "new", received_sat: received = 0, confirmed_sat: confirmed = 0 } = changes;
  const purchase = {
    purchase_id: idOf(theirs), file_id: FILE, state, marks: [], amount_sat: 2500, received_sat: received, confirmed_sat: confirmed, due_sat: Math.max(0, 2500 - received),
    released: state === "settled" || state === "invalid", expires_at: 3601, payments: [], ...changes,
  };
  return { ...purchase, payment_requests: [requestOf(purchase.due_sat, changes.address)] };
}

/** One way to pay, as an honest gateway sends it. */
export function requestOf(due, address = ADDRESS, sees = true) {
  const payable = due && Math.max(due, 294);
  const uri = paymentUri({ address, payableSat: payable });
  return { rail: "onchain", destination: address, uri, payable_sat: payable, expires_at: 3601, sees_unconfirmed: sees, unavailable: null };
}

const hashOf = (theirs) => createHash("sha256").update("bitcache/v1 claim").update(Buffer.from(theirs, "base64url")).digest("base64url");

/** Answers the buyer's calls; `purchases` by claim, `problem` instead of everything. */
export class FakeGateway {
  purchases = new Map();
  /** Claim hashes that POST named. @type {string[]} */
  begun = [];
  pendingClaim = [];
  problem = null;

  fetch = async (url, { headers, body } = {}) => {
    if (url.endsWith("/claim") && url.startsWith("/f/")) return Response.json({ claims: this.pendingClaim });
    if (this.problem) return this.#problem(this.problem.status, this.problem.code);
    if (url.endsWith("/purchases")) return Response.json(this.#begin(JSON.parse(body).claim_hash), { status: 201 });
    const found = this.purchases.get(headers.get("Authorization").replace("Bearer ", ""));
    return found ? Response.json(found) : this.#problem(403, "claim_mismatch");
  };

  /** @param {string} digest of a claim that only the buyer knows */
  #begin(digest) {
    this.begun.push(digest);
    const theirs = [...this.purchases.keys()].find((each) => hashOf(each) === digest);
    return theirs ? this.purchases.get(theirs) : purchaseOf(digest, this.terms);
  }

  #problem = (status, code) => Response.json({ status, code }, { status });
}
