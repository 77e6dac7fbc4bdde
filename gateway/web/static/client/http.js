/** Requests to the gateway: problems become a GatewayError; no secret is ever in a URL. */

import { GatewayError, PROXY_CODES } from "../sealing/errors.js";
import { hearTime } from "../ui/gateway-time.js";

/** @typedef {typeof globalThis.fetch} Fetch */
/**
 * @typedef {object} Connection to a gateway, as one person
 * @property {string} gateway scheme, host and port, without a slash at the end
 * @property {string} secret the bearer: seller token or claim secret
 * @property {Fetch} [fetch]
 * @property {AbortSignal} [signal]
 */

const API = "/api/v1";

/**
 * @param {Connection} connection
 * @param {string} method
 * @param {string} path under /api/v1
 * @param {{headers?: Record<string, string>, body?: BodyInit}} [more]
 * @returns {Promise<Response>} with a status below 300
 * @throws {GatewayError} `gateway_unreachable` without an answer, else the problem's own code
 */
export async function call(connection, method, path, { headers = {}, body } = {}) {
  const { gateway, secret, signal, fetch: send = fetch } = connection;
  const init = { method, body, signal, headers: { ...headers, Authorization: `Bearer ${secret}` } };
  return good(await answered(send(gateway + API + path, { ...init, cache: "no-store", redirect: "error" })));
}

/**
 * Ask this page's own gateway.
 * @param {string} path under /api/v1, or from the root when it starts with "/f/"
 * @param {{method?: string, bearer?: string, json?: object, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} with a status below 300
 * @throws {GatewayError}
 */
export async function request(path, { method = "GET", bearer, json, signal } = {}) {
  const headers = new Headers();
  if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
  if (json) headers.set("Content-Type", "application/json");
  const url = path.startsWith("/f/") ? path : API + path;
  return good(await answered(fetch(url, { method, headers, body: json && JSON.stringify(json), signal, cache: "no-store" })));
}

/**
 * @param {string} path
 * @param {Parameters<typeof request>[1]} [options]
 * @returns {Promise<any>}
 */
export async function json(path, options) {
  return (await request(path, options)).json();
}

/**
 * What the network promised; a broken or silent connection becomes `gateway_unreachable`, a cancelled one stays so.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} [limitMs] of silence; none by default, since a slow upload is silent too
 * @returns {Promise<T>}
 */
export async function answered(promise, limitMs) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const silence = new Promise((_, reject) => {
    if (limitMs !== undefined) timer = setTimeout(() => reject(new Error("silence")), limitMs);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (silence)]);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new GatewayError("gateway_unreachable", "the gateway does not answer");
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response */
async function good(response) {
  hearTime(response);
  if (response.ok) return response;
  throw await problem(response);
}

/**
 * What a response that is not a good one means. Without a code of ours it came from a proxy: its error page means that
 * the gateway behind it cannot be reached.
 * @param {Response} response
 */
async function problem(response) {
  const problem = (await response.json().catch(() => null)) ?? {};
  const unnamed = PROXY_CODES.get(response.status) ?? (response.status >= 500 ? "gateway_unreachable" : "unexpected");
  const code = typeof problem.code === "string" ? problem.code : unnamed;
  const work = code === "proof_of_work" ? { challenge: String(problem.challenge), bits: Number(problem.bits) } : null;
  return new GatewayError(code, String(problem.detail ?? "the gateway refused"), {
    status: response.status,
    hint: String(problem.hint ?? ""),
    reason: String(problem.reason ?? ""),
    scriptTypes: Array.isArray(problem.script_types) ? problem.script_types.map(String) : undefined,
    work,
  });
}
