// How long a token lives yet. The machine's clock may be wrong, or be set while
// one looks: only what passes between two readings of a steady clock counts.

/** @typedef {() => number} Clock Milliseconds since some moment; never set, never back. */

export class Life {
  #end;
  #whole;
  #clock;

  /**
   * @param {number} seconds `expires_in`, counted from when the token was asked for
   * @param {number} asked when that was, by `clock`
   * @param {Clock} clock
   */
  constructor(seconds, asked, clock = () => performance.now()) {
    this.#whole = seconds * 1000;
    this.#end = asked + this.#whole;
    this.#clock = clock;
  }

  /** Milliseconds that are left; never below 0. */
  get left() {
    return Math.max(0, this.#end - this.#clock());
  }

  /** Whether more than half is left: no need for another one. */
  get young() {
    return this.left > this.#whole / 2;
  }
}

/** `9:42`, rounded up, so that 0:00 is the end and not the second before it. */
export function countdown(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
