/** Requests to our own gateway. What goes wrong becomes a GatewayError with a code that people's words exist for. */

import { hearTime } from "./gateway-time.js";
import { GatewayError, PROXY_CODES } from "../sealing/errors.js";

const BASE = "/api/v1";

/**
 * @param {string} path under /api/v1, or from the root when it starts with "/f/"
 * @param {{method?: string, bearer?: string, json?: object, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} a good one
 * @throws {GatewayError}
 */
export async function request(path, { method = "GET", bearer, json, signal } = {}) {
  const headers = new Headers();
  if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
  if (json) headers.set("Content-Type", "application/json");
  const url = path.startsWith("/f/") ? path : BASE + path;
  const answer = await fetch(url, { method, headers, body: json && JSON.stringify(json), signal, cache: "no-store" }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new GatewayError("gateway_unreachable", "no answer");
  });
  hearTime(answer);
  if (answer.ok) return answer;
  throw await problemOf(answer);
}

/**
 * @param {string} path
 * @param {Parameters<typeof request>[1]} [options]
 * @returns {Promise<any>}
 */
export async function json(path, options) {
  return (await request(path, options)).json();
}

/** @param {Response} answer */
async function problemOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const unnamed = PROXY_CODES.get(answer.status) ?? (answer.status >= 500 ? "gateway_unreachable" : "unexpected");
  const code = typeof problem.code === "string" ? problem.code : unnamed;
  const work = code === "proof_of_work" ? { challenge: String(problem.challenge), bits: Number(problem.bits) } : null;
  return new GatewayError(code, String(problem.detail ?? ""), {
    status: answer.status,
    hint: String(problem.hint ?? ""),
    reason: String(problem.reason ?? ""),
    scriptTypes: Array.isArray(problem.script_types) ? problem.script_types.map(String) : undefined,
    work,
  });
}
