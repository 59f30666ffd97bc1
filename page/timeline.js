// What was said in one room, in order: heard live, read from what is kept, said
// here and not acknowledged yet; each message once, however often it is told.

/**
 * @typedef {object} Item
 * @property {number} id of this item, in this page
 * @property {"message" | "note"} kind
 * @property {number} [seq] its number in the room
 * @property {string} [from] the user who said it
 * @property {string} [at] when, RFC 3339
 * @property {unknown} [data] a message's; a note's text
 * @property {string} [encoding]
 * @property {boolean} [here] said in this tab
 * @property {boolean} [live] heard as it was said, not read later
 * @property {"sending" | "failed"} [state] absent when all is well
 * @property {string} [why] it failed
 */

const LAST = Number.MAX_SAFE_INTEGER;

export class Timeline {
  /** @type {(Item & {place: number[], heard: boolean})[]} */
  #items = [];
  #known = new Map(); // items, by epoch and number
  #epochs = []; // of the room's order; a new one begins when the old one is lost
  #count = 0;
  #me;
  #limit;

  /** @param {string} me the user who is signed in */
  constructor(me, limit = 500) {
    this.#me = me;
    this.#limit = limit;
  }

  /** @returns {readonly Item[]} */
  get items() {
    return this.#items;
  }

  /**
   * Somebody said something. False if that was known.
   * @param {{seq?: number, from?: string, at: string, data: unknown, encoding?: string}} message
   * @param {string} [epoch] of the order that `seq` counts in
   * @param {boolean} [live] as it was said, not later
   */
  heard({ seq, from, at, data, encoding }, epoch, live = false) {
    if (seq !== undefined && this.#known.has(`${epoch}:${seq}`)) return false;
    const own = from === this.#me && encoding === undefined && this.#items.find((item) => item.here && !item.heard && item.data === data);
    const item = own || this.#make("message");
    Object.assign(item, { from, at, data, encoding, live, heard: true, state: undefined, why: undefined });
    this.#settle(item, seq, epoch);
    return !own;
  }

  /** This tab says something: it stands last until it is acknowledged. */
  say(text, at = new Date().toISOString()) {
    const item = this.#make("message");
    Object.assign(item, { from: this.#me, at, data: text, here: true, state: "sending", place: [LAST, item.id] });
    this.#insert(item);
    return item;
  }

  /** It was acknowledged, with its number if the room has an order. */
  said(item, seq, epoch) {
    Object.assign(item, { state: undefined, why: undefined });
    if (item.heard && item.seq === seq) return;
    if (seq === undefined) return this.#settle(item);
    const known = this.#known.has(`${epoch}:${seq}`);
    // Two of the same words in flight may have been taken for each other.
    if (item.heard) {
      if (!known) this.#settle(Object.assign(this.#make("message"), { ...item, id: this.#count, heard: true }), seq, epoch);
    } else if (known) this.drop(item);
    else {
      item.heard = true;
      this.#settle(item, seq, epoch);
    }
  }

  /** It was not said; `why` is for people. */
  failed(item, why) {
    if (!item.heard) Object.assign(item, { state: "failed", why });
  }

  /** It is tried again. */
  again(item) {
    Object.assign(item, { state: "sending", why: undefined });
  }

  drop(item) {
    this.#items = this.#items.filter((other) => other !== item);
  }

  /** Says something about what stands here; takes the place of a note that stands last. */
  note(text) {
    const settled = this.#items.filter(({ place }) => place[0] !== LAST);
    const last = settled.at(-1);
    if (last?.kind === "note") return Object.assign(last, { data: text });
    const note = Object.assign(this.#make("note"), { data: text, place: this.#after(last) });
    this.#insert(note);
    return note;
  }

  #make(kind) {
    return { id: ++this.#count, kind, place: [], heard: false };
  }

  #settle(item, seq, epoch) {
    this.drop(item);
    if (seq === undefined) {
      item.place = this.#after(this.#items.findLast(({ place }) => place[0] !== LAST));
    } else {
      if (!this.#epochs.includes(epoch)) this.#epochs.push(epoch);
      item.seq = seq;
      item.place = [this.#epochs.indexOf(epoch), seq, 0];
      this.#known.set(`${epoch}:${seq}`, item);
    }
    this.#insert(item);
  }

  #after(last) {
    return last ? [last.place[0], last.place[1], last.place[2] + 1] : [0, -1, 0];
  }

  #insert(item) {
    const before = this.#items.findLastIndex((other) => compare(other.place, item.place) <= 0);
    this.#items.splice(before + 1, 0, item);
    while (this.#items.length > this.#limit && this.#items[0].state === undefined) {
      const { seq, place } = this.#items.shift();
      this.#known.delete(`${this.#epochs[place[0]]}:${seq}`);
    }
  }
}

function compare(one, other) {
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return one[i] - other[i];
  return 0;
}
