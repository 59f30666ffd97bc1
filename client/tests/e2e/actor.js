// One signed-in user with a client, in Node or in a page: does what the test
// says, and remembers what it hears.

import { Rooms } from "../../rooms.js";

const PASSWORD = "plum-tractor-91-violin";

/**
 * What the tabs of one user share. Not localStorage: what one tab writes there,
 * another may see only some time later, whatever lock it holds.
 */
class Database {
  #opened;

  async #run(mode, work) {
    this.#opened ??= new Promise((resolve, reject) => {
      const opening = indexedDB.open("actor", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => reject(opening.error);
    });
    const transaction = (await this.#opened).transaction("kept", mode);
    const request = work(transaction.objectStore("kept"));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  get(key) {
    return this.#run("readonly", (kept) => kept.get(key));
  }

  set(key, value) {
    return this.#run("readwrite", (kept) => kept.put(value, key));
  }
}

export class Actor {
  heard = {}; // room -> what was said there, as it was heard
  told = []; // everything else that happened
  tokens = []; // why tokens were fetched
  #waiting = new Set();
  #blocked = false;
  #rooms;
  #seats = {};

  constructor({ service, username, store = new Database(), patient = true, WebSocket }) {
    Object.assign(this, { service, username, store, patient, WebSocket });
  }

  // -- The service over HTTP ---------------------------------------------

  async #ask(method, path, { body, token, signal } = {}) {
    const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(`http://${this.service}${path}`, { method, headers, signal, body: body && JSON.stringify(body) });
    const answer = response.status === 204 ? undefined : await response.json();
    if (response.ok) return answer;
    const { status } = response;
    throw Object.assign(new Error(`${method} ${path}: ${status} ${answer.type}`), { status, fatal: status === 403 || status === 404 });
  }

  async ask(method, path, body) {
    const { access_token: token } = await this.store.get("session");
    return this.#ask(method, path, { body, token });
  }

  async register() {
    await this.#ask("POST", "/auth/register", { body: { username: this.username, password: PASSWORD } });
  }

  async signIn() {
    await this.#keep(await this.#ask("POST", "/auth/login", { body: { username: this.username, password: PASSWORD } }));
    return (await this.ask("GET", "/auth/me")).id;
  }

  async #keep(tokens) {
    const freshUntil = Date.now() + (this.patient ? tokens.expires_in * 500 : 0);
    await this.store.set("session", { ...tokens, freshUntil });
    return tokens.access_token;
  }

  async #getToken(request) {
    const token = await this.#fetchToken(request);
    this.tokens.push(request.room === undefined ? request.reason : `${request.reason} in a room`);
    this.#changed();
    return token;
  }

  async #fetchToken({ room, reason, accessToken, signal }) {
    if (this.#blocked) throw new Error("blocked by the test");
    if (room !== undefined) return (await this.#ask("POST", `/rooms/${room}/token`, { token: accessToken, signal })).access_token;
    const session = await this.store.get("session");
    if (!session) return null;
    if (reason !== "refused" && Date.now() < session.freshUntil) return session.access_token;
    try {
      return await this.#keep(await this.#ask("POST", "/auth/refresh", { body: { refresh_token: session.refresh_token }, signal }));
    } catch (error) {
      if (error.status === 401) await this.store.set("session", null);
      throw Object.assign(error, { fatal: error.status === 401 });
    }
  }

  /** From now on there are no tokens; or there are again. */
  block(blocked) {
    this.#blocked = blocked;
  }

  // -- The client ----------------------------------------------------------

  connect(options = {}) {
    const { WebSocket } = this;
    this.#rooms = new Rooms({
      url: `ws://${this.service}/ws`, getToken: (request) => this.#getToken(request), ...(WebSocket && { WebSocket }), ...options,
    });
    const tell = (what) => {
      this.told.push(what);
      this.#changed();
    };
    this.#rooms.on("open", () => tell("open"));
    this.#rooms.on("retry", ({ code, error }) => tell(`retry ${code ?? error.message}`));
    this.#rooms.on("error", (error) => tell(`error ${error.message}`));
    this.#rooms.on("close", (error) => tell(`close ${error.code ?? error.message}`));
  }

  join(room) {
    const seat = (this.#seats[room] = this.#rooms.join(room));
    const heard = (this.heard[room] = []);
    const tell = (what) => {
      this.told.push(`${what} ${room}`);
      this.#changed();
    };
    seat.on("message", ({ data }) => {
      heard.push(data);
      this.#changed();
    });
    seat.on("joined", ({ recovered }) => tell(recovered ? "joined" : "joined anew"));
    seat.on("left", ({ reason }) => tell(`left ${reason}`));
    seat.on("gap", ({ position }) => {
      tell("gap");
      this.#fill(room, heard, position);
    });
  }

  // What is missing before a position may be kept all the same: it belongs
  // where the gap was told.
  async #fill(room, heard, position) {
    const hole = { missing: position };
    heard.push(hole);
    const [epoch, seq] = position.split(":");
    const { messages, position: newest } = await this.ask("GET", `/rooms/${room}/messages`);
    const kept = (newest ?? position).startsWith(epoch) ? messages.filter((message) => message.seq <= Number(seq)) : [];
    heard.splice(heard.indexOf(hole), 1, ...kept.map(({ data }) => data).filter((data) => !heard.includes(data)));
    this.#changed();
  }

  async say(room, data) {
    return (await this.#seats[room].publish(data)).seq;
  }

  /** Says each of these, without waiting for one before the next. */
  async sayAll(room, all) {
    return Promise.all(all.map((data) => this.say(room, data)));
  }

  wake() {
    this.#rooms.wake();
  }

  close() {
    this.#rooms?.close();
  }

  // -- What the test waits for -----------------------------------------------

  #changed() {
    for (const look of this.#waiting) look();
  }

  #until(holds) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const over = this.told.find((what) => what.startsWith("close"));
        if (!over && !holds()) return;
        this.#waiting.delete(look);
        if (over) reject(new Error(`${this.username}'s client has ended: ${over}`));
        else resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** So many messages were heard in each room. */
  untilHeard(counts) {
    return this.#until(() => Object.entries(counts).every(([room, count]) => this.heard[room].filter((data) => !data.missing).length >= count));
  }

  /** This was told so many times since a point in `told`. */
  untilTold(prefix, times, since = 0) {
    return this.#until(() => this.told.slice(since).filter((what) => what.startsWith(prefix)).length >= times);
  }

  /** Tokens were fetched because of this, so many times since a point in `tokens`. */
  untilFetched(reason, times, since = 0) {
    return this.#until(() => this.tokens.slice(since).filter((why) => why === reason).length >= times);
  }

  state() {
    const { heard, told, tokens } = this;
    return { heard, told, tokens };
  }
}
