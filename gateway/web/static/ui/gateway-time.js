/**
 * The gateway's time, whatever the clock of this computer says: each answer names it (Bitcache-Time, Unix seconds), and a
 * clock that nobody sets counts on from there.
 */

/** Gateway seconds less local monotonic ones; until an answer came, this computer's clock is all there is. */
let ahead = Date.now() / 1000 - performance.now() / 1000;

/** @param {Pick<Response, "headers">} answer */
export function hearTime({ headers }) {
  const told = Number(headers.get("Bitcache-Time") ?? NaN);
  if (Number.isSafeInteger(told) && told > 0) ahead = told - performance.now() / 1000;
}

/** Unix seconds. */
export const gatewayNow = () => Math.floor(ahead + performance.now() / 1000);
