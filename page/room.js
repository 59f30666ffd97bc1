// One room: its seat on the socket, what was said in it, and who is in it.

import { CatchUp } from "./catch_up.js";
import { count } from "./format.js";
import { explain } from "./problems.js";
import { Timeline } from "./timeline.js";

/** @typedef {{room: string, title: string, presence: boolean, role: string, own?: boolean}} About */

/** Pages of members that are asked for: a hundred names each. */
const PAGES = 5;

export class Room {
  /** What people typed here and haven't sent. */
  draft = "";
  /** Messages that came while another room was open. */
  unread = 0;
  /** What the seat allows; unknown until there is one. @type {"rw" | "r" | undefined} */
  grant;
  /** Whether people look at it. */
  open = false;
  /** Whether what is kept has been read. */
  loaded = false;
  /** Who is in it. @type {{user: string, username: string, role: string}[] | undefined} */
  members;
  /** Names by user id; also of those who have left. @type {Map<string, string>} */
  names = new Map();
  /** Ids of those who have a socket here, if the room tells. @type {Set<string> | undefined} */
  here;

  #session;
  #seat;
  #changed;
  #announce;
  #tell;
  #catchUp = new CatchUp((messages) => this.#caughtUp(messages));
  #note; // of the last reconnect
  #unknown = new Set(); // whose name was asked for
  #naming;
  #loading;
  #over = false; // the seat, for good

  /**
   * @param {About} about
   * @param {import("./session.js").Session} session
   * @param {object} to
   * @param {() => void} to.changed something that is shown has
   * @param {(text: string) => void} to.announce what happened
   * @param {(text: string) => void} to.tell what went wrong
   */
  constructor(about, session, { changed, announce, tell }) {
    this.about = about;
    this.#session = session;
    this.#changed = changed;
    this.#announce = announce;
    this.#tell = tell;
    this.timeline = new Timeline(session.account.id);
    this.names.set(session.account.id, session.account.username);
  }

  get name() {
    return this.about.room;
  }

  /** Takes a seat. `gone` is called when it is over for good. */
  sit(rooms, gone) {
    const seat = rooms.join(this.name);
    this.#seat = seat;
    seat.on("joined", ({ grant, recovered }) => this.#joined(grant, recovered));
    seat.on("message", (message) => this.#heard(message));
    seat.on("gap", () => this.#gap());
    seat.on("granted", ({ grant }) => {
      this.#set({ grant });
      this.loadMembers();
    });
    seat.on("presence", ({ joined, left }) => this.#moved(joined, left));
    seat.on("left", ({ reason, error }) => {
      this.#over = true;
      this.#catchUp.stop();
      gone(reason, error);
    });
  }

  /** Whether it was ever sat in. */
  get taken() {
    return this.#seat !== undefined;
  }

  /** The connection is lost, for now. */
  lost() {
    this.#catchUp.lost();
    this.#changed();
  }

  /** People look at this room. */
  show() {
    this.open = true;
    this.unread = 0;
    this.load();
  }

  /** Reads what is kept and who is in it, unless that has been read. */
  async load() {
    if (!this.#seat?.seated) return;
    await Promise.all([this.loaded || this.#load(), this.members || this.loadMembers()]);
  }

  /** What was typed here, and is not said. */
  get unsent() {
    const waiting = this.timeline.items.filter(({ state }) => state !== undefined).map(({ data }) => data);
    return [...waiting, this.draft].filter(Boolean).join("\n");
  }

  /** Says something; what fails stays in the timeline, with the reason. */
  async say(text) {
    await this.#publish(this.timeline.say(text));
  }

  async again(item) {
    this.timeline.again(item);
    await this.#publish(item);
  }

  /** Reads the names again. */
  async loadMembers() {
    if (this.about.own) return;
    this.#naming ??= this.#readMembers().finally(() => (this.#naming = undefined));
    await this.#naming;
  }

  async #publish(item) {
    this.#changed();
    try {
      const { seq } = await this.#seat.publish(item.data);
      this.timeline.said(item, seq, this.#epoch);
    } catch (error) {
      this.timeline.failed(item, explain(error));
      // Where all is over, why it is says more; and what wasn't sent is kept.
      if (item.state === "failed" && !this.#over) this.#tell(`Not sent: ${this.#quote(item)}. ${item.why}`);
    }
    this.#changed();
  }

  #quote({ data }) {
    return `“${data.length > 30 ? `${data.slice(0, 30)}…` : data}”`;
  }

  get #epoch() {
    return this.#seat.position?.split(":")[0];
  }

  #joined(grant, recovered) {
    if (this.#catchUp.back() && recovered) this.#note = this.timeline.note("Connected again");
    this.#set({ grant });
    if (this.#seat.presence) {
      // An error is a lost connection: then there is another seat soon.
      this.#seat.users().then((users) => this.#set({ here: new Set(users) }), () => {});
    }
    if (this.open) this.load();
    this.loadMembers();
  }

  #heard(message) {
    if (this.timeline.heard(message, this.#epoch, true)) {
      if (!this.open) this.unread += 1;
      this.#catchUp.heard();
    }
    this.#name(message.from);
    this.#changed();
  }

  #caughtUp(messages) {
    // None may have been said, or none that was kept: who knows?
    if (messages === 0) return;
    this.#note.data = `Caught up: ${count(messages, "message")}`;
    if (this.open) this.#announce(this.#note.data);
    this.#changed();
  }

  #gap() {
    this.#catchUp.stop();
    this.#note = this.timeline.note("Connected again; what was said meanwhile may be missing here");
    if (this.open) this.#announce(this.#note.data);
    this.#changed();
    // Some of it may be kept after all.
    this.#load();
  }

  #moved(joined, left) {
    const here = new Set(this.here);
    for (const user of joined) here.add(user);
    for (const user of left) here.delete(user);
    this.#set({ here });
    joined.forEach((user) => this.#name(user));
  }

  /** Somebody is seen whose name isn't known: they were added meanwhile. */
  #name(user) {
    if (!user || this.names.has(user) || this.#unknown.has(user)) return;
    this.#unknown.add(user);
    this.loadMembers();
  }

  #set(values) {
    Object.assign(this, values);
    this.#changed();
  }

  /** What is kept of the room, as far as it isn't here. */
  async #load() {
    this.#loading ??= this.#readHistory().finally(() => (this.#loading = undefined));
    await this.#loading;
    this.#changed();
  }

  async #readHistory() {
    try {
      const { messages, position } = await this.#session.ask("GET", `${this.#path}/messages`);
      const epoch = position?.split(":")[0];
      // Where the order is another one already, the seat is about to be told.
      if (epoch !== this.#epoch) return;
      for (const message of messages) this.timeline.heard(message, epoch);
      this.loaded = true;
    } catch {
      // Whoever looks at the room tries it again.
    }
  }

  async #readMembers() {
    try {
      const members = [];
      let after = "";
      for (let page = 0; page < PAGES; page += 1) {
        const answer = await this.#session.ask("GET", `${this.#path}/members${after}`);
        members.push(...answer.members);
        if (!answer.next) break;
        after = `?after=${encodeURIComponent(answer.next)}`;
      }
      for (const { user, username } of members) this.names.set(user, username);
      this.#set({ members });
    } catch {
      // The names that are known do for now.
    }
  }

  get #path() {
    return `/rooms/${encodeURIComponent(this.name)}`;
  }
}
