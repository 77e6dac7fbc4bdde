/** How fast bytes move, and how long the rest takes. */

/** A shorter one jumps with every piece, a longer one does not follow a line that changes. */
const WINDOW_MS = 20_000;
/** Before that nothing can be said. */
const FIRST_MS = 2_000;

export class TransferSpeed {
  /** @type {{at: number, bytes: number}[]} */
  #marks = [];

  /**
   * @param {number} bytes done
   * @param {number} total in bytes
   * @param {number} at milliseconds of a clock that never goes back
   * @returns {{perSecond: number, secondsLeft: number} | null} null while nothing can be said
   */
  note(bytes, total, at) {
    this.#marks.push({ at, bytes });
    while (this.#marks.length > 2 && this.#marks[1].at < at - WINDOW_MS) this.#marks.shift();
    const [first] = this.#marks;
    const moved = bytes - first.bytes;
    if (at - first.at < FIRST_MS || moved <= 0) return null;
    const perSecond = (moved * 1000) / (at - first.at);
    return { perSecond, secondsLeft: (total - bytes) / perSecond };
  }
}
