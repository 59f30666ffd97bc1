// What those who are signed in see: one socket, a seat in each of their rooms,
// and one of the rooms on the screen.

import { explain, explainEnd, explainLoss } from "./problems.js";
import { Room } from "./room.js";
import { Rooms } from "./rooms.js";
import { LOCK } from "./session.js";
import { announce, calm, tell } from "./view/alert.js";
import * as composer from "./view/composer.js";
import * as connection from "./view/connection.js";
import { $, write } from "./view/dom.js";
import * as messages from "./view/messages.js";
import * as people from "./view/people.js";
import * as roomList from "./view/rooms.js";

const TICK = 250; // milliseconds between two looks at the clock
const LOOK = 20_000; // and between two looks at the list of rooms
const SEATS = 50; // rooms that are listened to at once; others when they are opened

export class Home {
  /** Whether the person is signing out: that the socket ends is no news then. */
  leaving = false;

  #session;
  #over;
  #unsent;
  #rooms = new Map(); // by name
  #current;
  #socket;
  #retry; // since the connection was lost: when it is tried again, and why it was
  #sessions = [];
  #refused = new Set(); // rooms that give no seat
  #closed; // why the socket has ended
  #life = new AbortController();
  #timers;
  #drawing = false;

  /**
   * @param {import("./session.js").Session} session
   * @param {Map<string, string>} unsent what was typed before, by room
   * @param {(why: string, unsent: Map<string, string>) => void} over it has ended by itself
   */
  constructor(session, unsent, over) {
    this.#session = session;
    this.#unsent = unsent;
    this.#over = over;
    write($("me"), session.account.username);
    this.#socket = new Rooms({ url: "/ws", lock: LOCK, getToken: (request) => session.getToken(request) });
    this.#socket.on("open", () => this.#opened());
    this.#socket.on("retry", (loss) => this.#lost(loss));
    this.#socket.on("close", (error) => {
      this.#closed = error;
      if (!this.leaving) this.end(explainEnd(error));
    });
    const own = { room: session.account.room, title: "Your room", presence: false, role: "owner", own: true };
    this.#add(own);
    this.#show(this.#rooms.get(own.room));
    this.#timers = [setInterval(() => this.#tick(), TICK), setInterval(() => document.hidden || this.#lookAgain(), LOOK)];
    this.#tick();
    const { signal } = this.#life;
    addEventListener("focus", () => this.look(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.look(), { signal });
    this.look();
  }

  get #sorted() {
    const [own, ...others] = this.#rooms.values();
    return [own, ...others.sort((one, other) => one.about.title.localeCompare(other.about.title))];
  }

  /** What others may have changed is read again. */
  look() {
    this.#lookAgain();
    this.#lookForSessions();
    this.#current.loadMembers();
  }

  /** What changes most, and what couldn't be read before. */
  #lookAgain() {
    this.#lookForRooms();
    this.#current.load();
  }

  /** Somebody may have added one to a room, or removed one from it. */
  async #lookForRooms() {
    const before = new Set(this.#rooms.keys());
    try {
      const found = [];
      let after = "";
      do {
        const answer = await this.#session.ask("GET", `/rooms${after}`);
        found.push(...answer.rooms);
        after = answer.next && `?after=${encodeURIComponent(answer.next)}`;
      } while (after);
      if (this.#life.signal.aborted) return;
      for (const about of found) this.#add(about);
      const names = new Set(found.map(({ room }) => room));
      for (const room of this.#rooms.values()) {
        // One that was made meanwhile isn't gone.
        if (!room.about.own && before.has(room.name) && !names.has(room.name)) this.#leave(room);
      }
    } catch {
      // What is shown stays; it is read again soon.
    }
    this.#draw();
  }

  async #lookForSessions() {
    if (!this.#current.about.own) return;
    try {
      this.#sessions = (await this.#session.ask("GET", "/auth/sessions")).sessions;
    } catch {
      // As above.
    }
    this.#draw();
  }

  /** @returns {Promise<boolean>} whether it was made */
  async create(title) {
    calm();
    try {
      const about = await this.#session.ask("POST", "/rooms", { title, presence: true });
      this.#add(about);
      this.#show(this.#rooms.get(about.room));
      announce(`The room ${about.title} is made.`);
      return true;
    } catch (error) {
      this.#tell(explain(error));
      return false;
    }
  }

  /** @returns {Promise<boolean>} whether they are in the room now */
  async addPerson(name, role) {
    calm();
    const room = this.#current;
    try {
      const path = `/rooms/${encodeURIComponent(room.name)}/members/${encodeURIComponent(name)}`;
      const { username } = await this.#session.ask("PUT", path, { role });
      announce(`${username} is in the room now.`);
      await room.loadMembers();
      return true;
    } catch (error) {
      this.#tell(explain(error, { name }));
      return false;
    }
  }

  send(text) {
    calm();
    this.#current.say(text);
  }

  /** Not later, as it would by itself. */
  tryNow() {
    this.#socket.wake();
    this.#tick();
  }

  typed(text) {
    this.#current.draft = text;
  }

  /** Signing out came to nothing. */
  stay() {
    this.leaving = false;
    if (this.#closed) this.end(explainEnd(this.#closed));
  }

  /** It is over; what was typed and not said is handed on. */
  end(why) {
    if (this.#life.signal.aborted) return;
    const typed = [...this.#rooms.values()].map((room) => [room.name, room.unsent]);
    const unsent = new Map([...this.#unsent, ...typed.filter(([, text]) => text)]);
    this.stop();
    this.#over(why, unsent);
  }

  stop() {
    this.#life.abort();
    this.#timers.forEach(clearInterval);
    this.#socket.close();
  }

  #add(about) {
    const known = this.#rooms.get(about.room);
    if (known) return Object.assign(known.about, about);
    if (this.#refused.has(about.room)) return undefined;
    const room = new Room(about, this.#session, { changed: () => this.#draw(), announce, tell: (why) => this.#tell(why) });
    room.draft = this.#unsent.get(about.room) ?? "";
    this.#unsent.delete(about.room);
    this.#rooms.set(about.room, room);
    if (this.#rooms.size <= SEATS) this.#sit(room);
    return room;
  }

  #sit(room) {
    room.sit(this.#socket, (reason, error) => {
      if (reason === "closed" || reason === "left") return;
      if (error?.fatal === undefined && reason !== "removed") this.#refused.add(room.name);
      this.#leave(room, error);
    });
  }

  /** The room is none of ours any more. */
  #leave(room, error) {
    if (!this.#rooms.delete(room.name)) return;
    const why = error?.name === "RoomsError" && error.code !== "removed" ? explain(error) : "it was deleted, or you were removed from it.";
    const [own] = this.#rooms.values();
    const { unsent } = room;
    own.draft = [own.draft, unsent].filter(Boolean).join("\n");
    this.#tell(`You are no longer in “${room.about.title}”: ${why}${unsent && " What you hadn't sent there is in your room now."}`);
    if (this.#current === room) this.#show(own);
    this.#draw();
  }

  /** What goes wrong where all is over, or about to be, is no news. */
  #tell(why) {
    if (!this.leaving && !this.#life.signal.aborted) tell(why);
  }

  #show(room) {
    if (this.#current) this.#current.open = false;
    this.#current = room;
    $("add-person").open = false;
    if (!room.taken) this.#sit(room);
    room.show();
    this.#draw();
  }

  #choose(room) {
    calm();
    this.#show(room);
    this.#lookForSessions();
    // Where the keyboard is on the screen it would hide the room.
    if (!matchMedia("(pointer: coarse)").matches) composer.focus();
  }

  #opened() {
    if (this.#retry) {
      announce("Connected again.");
      this.look();
    }
    this.#retry = undefined;
    this.#tick();
  }

  #lost({ delay, code, error }) {
    if (!this.#retry) {
      for (const room of this.#rooms.values()) room.lost();
      if (delay > 0) announce("The connection is lost. It is tried again.");
    }
    this.#retry = { at: performance.now() + delay, code, error };
    this.#tick();
  }

  #tick() {
    const { state } = this.#socket;
    connection.show({
      state,
      wait: this.#retry ? this.#retry.at - performance.now() : 0,
      why: this.#retry ? explainLoss(this.#retry, navigator.onLine) : "",
      life: this.#session.life,
    });
  }

  /** Many changes in one turn are drawn once. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.#life.signal.aborted) return;
      const [room, me, rooms] = [this.#current, this.#session.account, this.#sorted];
      roomList.show(rooms, room, (chosen) => this.#choose(chosen));
      roomList.title(rooms, room);
      write($("room-title"), room.about.title);
      write($("room-note"), note(room));
      messages.show(room, me, { again: (item) => calm() ?? room.again(item), edit: (item) => this.#edit(room, item) });
      people.show(room, me, this.#sessions);
      composer.show(room);
    });
  }

  #edit(room, item) {
    room.timeline.drop(item);
    room.draft = [item.data, room.draft].filter(Boolean).join("\n");
    this.#draw();
    queueMicrotask(composer.focus);
  }
}

const note = ({ about }) => (about.own ? "Your tabs and devices hear each other here, and nobody else." : "");
