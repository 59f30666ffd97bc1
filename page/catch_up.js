// How much was said while the connection was lost. The service sends it first
// after the seat, and doesn't say where it ends: silence does.

const QUIET = 400; // milliseconds without a message are the end of it
const LONGEST = 3000; // and this much time is, in a room that is never silent

export class CatchUp {
  #tell;
  #timers;
  #lost = false;
  #count = 0;
  #quiet;
  #longest;

  /**
   * @param {(messages: number) => void} tell when all has been told
   * @param {{setTimeout: Function, clearTimeout: Function}} timers
   */
  constructor(tell, timers = globalThis) {
    this.#tell = tell;
    this.#timers = timers;
  }

  /** The connection is lost. */
  lost() {
    this.stop();
    this.#lost = true;
  }

  /** There is a seat again; true if there was one that was lost. */
  back() {
    if (!this.#lost) return false;
    this.#lost = false;
    this.#count = 0;
    this.#longest = this.#timers.setTimeout(() => this.#end(), LONGEST);
    this.#wait();
    return true;
  }

  /** Somebody else said something. */
  heard() {
    if (this.#quiet === undefined) return;
    this.#count += 1;
    this.#wait();
  }

  stop() {
    this.#timers.clearTimeout(this.#quiet);
    this.#timers.clearTimeout(this.#longest);
    this.#quiet = this.#longest = undefined;
  }

  #wait() {
    this.#timers.clearTimeout(this.#quiet);
    this.#quiet = this.#timers.setTimeout(() => this.#end(), QUIET);
  }

  #end() {
    this.stop();
    this.#tell(this.#count);
  }
}
