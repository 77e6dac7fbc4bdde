/** Signing in and up: the account code is read here, and only what is derived from it leaves this browser. */

import { accountSecrets, parseAccountCode } from "../sealing/account-code.js";
import { GatewayError } from "../sealing/errors.js";
import { beginSession, endSession, signUp } from "./account-api.js";
import { forgetAccount, keepIndexKey, syncIndex } from "./sealed-index.js";
import { getSeller } from "./seller-api.js";
import { signIn, signOut } from "./seller-token.js";

/** A seller token as `bitcache init` shows it. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * @param {string} text an account code or a seller token
 * @param {boolean} remember beyond this tab
 * @throws {GatewayError} `account_code_wrong` for what is neither
 */
export async function signInWith(text, remember) {
  if (TOKEN.test(text)) return signIn(await sessionOf(text), remember);
  const secrets = await secretsOf(text);
  signIn(await beginSession(secrets.token, browserName()), remember);
  await syncIndex(await keepKey(secrets.indexKey));
}

/**
 * What this browser holds: never the seller's own token, which alone moves the money.
 * @param {string} token
 */
async function sessionOf(token) {
  try {
    return await beginSession(token, browserName());
  } catch (error) {
    if (error instanceof GatewayError && error.code === "scope_missing") return token; // a program's, or a session already
    throw error;
  }
}

/** @param {CryptoKey} indexKey */
async function keepKey(indexKey) {
  const { account } = await getSeller();
  await keepIndexKey(account, indexKey);
  return account;
}

/**
 * @param {string} code a fresh account code
 * @param {string} name as buyers may see it
 * @param {string | null} invite
 */
export async function signUpWith(code, name, invite) {
  const secrets = await secretsOf(code);
  const session = await signUp({ token: secrets.token, name, browser: browserName(), ...(invite ? { invite } : {}) });
  signIn(session, false);
  await keepKey(secrets.indexKey);
}

/**
 * End this session, here and at the gateway.
 * @param {string} account
 */
export async function leave(account) {
  await forgetAccount(account);
  await endSession().catch(() => {}); // away or over already: this browser forgets it all the same
  signOut();
}

/**
 * What proves that the holder of the account code is there.
 * @param {string} text an account code or a seller token
 * @returns {Promise<string>} the seller's own token
 */
export const proofOf = async (text) => (TOKEN.test(text) ? text : (await secretsOf(text)).token);

/** @param {string} text */
async function secretsOf(text) {
  const entropy = await parseAccountCode(text);
  if (!entropy) throw new GatewayError("account_code_wrong", "not an account code");
  return accountSecrets(entropy);
}

/** What the seller will recognise this session by. */
function browserName() {
  const agent = navigator.userAgent;
  const browser = /Firefox|Edg|OPR|Chrome|Safari/.exec(agent)?.[0].replace("Edg", "Edge").replace("OPR", "Opera") ?? "Browser";
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(agent)?.[0];
  return system ? `${browser} · ${system}` : browser;
}
