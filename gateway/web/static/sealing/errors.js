/**
 * Every error these modules raise on purpose. `code` is stable: pages translate it, programs depend on it.
 * The sealing codes are those of docs/protocol.md §3; the Python tree is in bitcache/errors.py.
 */

/**
 * @typedef {"not_sealed" | "wrong_key" | "tampered" | "truncated" | "trailing_bytes"
 *   | "sealed_wrongly" | "wrong_share" | "invalid_link" | "invalid_identifier" | "invalid_manifest"
 *   | "invalid_name" | "invalid_amount" | "work_too_hard" | "file_changed" | "file_unreadable" | "insecure_context"
 *   | "unsupported_browser"} SealingCode
 */

/**
 * What crosses a worker's boundary instead of an Error.
 * @typedef {{code: string, message: string, status?: number, hint?: string, reason?: string}} ErrorReport
 */

/** Bytes, links, manifests or names that cannot be accepted. Its message never holds a secret. */
export class SealingError extends Error {
  /**
   * @param {SealingCode} code
   * @param {string} message one sentence for developers; pages show their own words for `code`
   */
  constructor(code, message) {
    super(message);
    this.name = "SealingError";
    this.code = code;
  }
}

/** @typedef {{challenge: string, bits: number}} Challenge a proof of work that the gateway asks for */

/** The gateway cannot be reached (`gateway_unreachable`), or it answered with a problem (RFC 9457). */
export class GatewayError extends Error {
  /**
   * @param {string} code the problem's code, or "gateway_unreachable"
   * @param {string} message
   * @param {{status?: number, hint?: string, reason?: string, scriptTypes?: string[], work?: Challenge | null}} [more] `status`
   *   is 0 when there was no answer; `reason` tells apart what one code stands for
   */
  constructor(code, message, { status = 0, hint = "", reason = "", scriptTypes, work = null } = {}) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
    this.status = status;
    this.hint = hint;
    this.work = work;
    this.reason = reason;
    this.scriptTypes = scriptTypes;
  }
}

/** What a proxy before the gateway means by a status that comes without a code of ours. */
export const PROXY_CODES = new Map([
  [413, "body_refused"],
  [429, "too_many_requests"],
]);

/** Browser exceptions that have a meaning of their own here. */
const BROWSER_CODES = new Map([
  ["AbortError", "cancelled"],
  ["QuotaExceededError", "disk_full"],
  ["NotReadableError", "file_changed"],
  ["NotFoundError", "file_unreadable"],
  ["NoModificationAllowedError", "busy_elsewhere"],
]);

/**
 * Any thrown value as a plain object that can be posted between threads.
 * @param {unknown} thrown
 * @returns {ErrorReport} `code` is "unexpected" for an unexpected error
 */
export function report(thrown) {
  if (thrown instanceof SealingError) return { code: thrown.code, message: thrown.message };
  if (thrown instanceof GatewayError) {
    const { code, message, status, hint, reason } = thrown;
    return { code, message, status, hint, reason };
  }
  if (!(thrown instanceof Error)) return { code: "unexpected", message: String(thrown) };
  return { code: BROWSER_CODES.get(thrown.name) ?? "unexpected", message: thrown.message };
}
