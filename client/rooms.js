// Rooms over one WebSocket (subprotocol rooms.v1), for browsers and Node. How to
// use it: README.md; types: rooms.d.ts.
//
// A "line" is one attempt at a connection, from asking for its token to its end;
// what comes late from one that is over is not listened to. A "seat" is what is
// known of a room, on whatever line; the caller holds it as a `Room`.

const STABLE = 10_000; // milliseconds; a line that lived so long starts the backoff anew
const OVERSLEPT = 90_000; // a hidden tab's timers are held back by less
const REFUSALS = 3; // so many tokens for one purpose may be refused in a row

export class RoomsError extends Error {
  constructor(code, message, more) {
    super(message);
    Object.assign(this, { name: "RoomsError", code }, more);
  }
}

export class Rooms {
  #options;
  #events = events();
  #seats = new Map(); // by room
  #unsaid = new Map(); // publishes that are not acknowledged, in order, by id
  #fetching = new Map(); // tokens, by room; the socket's has a name that no room has
  #name = [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("");
  #count = 0;
  #line = null;
  #waiting = null;
  #attempt = 0; // since the last stable line
  #reason = "connect"; // why the next line's token is asked for
  #accessToken;
  #over = null; // why all has ended
  #life = new AbortController();

  constructor(options) {
    const defaults = { WebSocket: globalThis.WebSocket, lock: "rooms.token", queue: 1000, connectTimeout: 15_000, tokenTimeout: 30_000 };
    this.#options = { ...defaults, ...options, url: new URL(options.url, globalThis.location?.href) };
    this.#options.url.protocol = this.#options.url.protocol.replace("http", "ws");
    for (const needed of ["WebSocket", "getToken"]) {
      if (typeof this.#options[needed] !== "function") throw new TypeError(`the option ${needed} is needed`);
    }
    const wakeOn = (target, type, isWake = () => true) =>
      target?.addEventListener?.(type, (event) => isWake(event) && this.wake(), { signal: this.#life.signal });
    wakeOn(globalThis.document, "visibilitychange", () => document.visibilityState === "visible");
    wakeOn(globalThis, "online");
    wakeOn(globalThis, "pageshow", (event) => event.persisted);
    queueMicrotask(() => this.#connect());
  }

  on(type, listener) { return this.#events.on(type, listener); }
  close() { this.#end(new RoomsError("closed", "this client was closed")); }
  get state() { return this.#over ? "closed" : !this.#line ? "waiting" : this.#line.welcome ? "open" : "connecting"; }

  join(name, { since } = {}) {
    if (this.#over) throw this.#over;
    if (this.#seats.has(name)) return this.#seats.get(name);
    const seat = {
      ...events(),
      name,
      seated: false, // is there a seat?
      asked: false, // has the service been asked for one?
      busy: false, // is a token under way?
      known: since !== undefined, // is there something to go on from?
      get position() { return this.epoch && `${this.epoch}:${this.seq}`; },
      publish: (data, options) => this.#publish(seat, data, options),
      users: () => this.#users(seat),
      leave: () => this.#drop(seat, { reason: "left" }),
    };
    place(seat, since);
    if (seat.known && !seat.position) throw new TypeError("since is not the position of a room");
    this.#seats.set(name, seat);
    queueMicrotask(() => this.#present(seat, "join")); // listeners come first
    return seat;
  }

  // What is believed of the line is old: somebody slept, or the network changed.
  wake() {
    if (this.#line?.welcome) {
      this.#ping(this.#line);
      this.#present(this.#line, "wake");
    } else if (this.#waiting !== null) {
      if (this.#reason === "reconnect") this.#reason = "wake";
      this.#connect();
    }
  }

  // One at a time for each purpose: whoever asks meanwhile gets the same.
  #token(room, reason) {
    const purpose = room ?? "socket:";
    const token = this.#fetching.get(purpose) ?? this.#fetch(room, reason).finally(() => this.#fetching.delete(purpose));
    this.#fetching.set(purpose, token);
    return token;
  }

  async #fetch(room, reason) {
    const { getToken, tokenTimeout, lock } = this.#options;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(new RoomsError("token_timeout", "getToken took too long")), tokenTimeout);
    this.#life.signal.addEventListener("abort", () => stop.abort(this.#over), { signal: stop.signal });
    const stopped = new Promise((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason)));
    stopped.catch(() => {}); // nobody may be waiting for it
    const ask = async () => {
      const token = await Promise.race([getToken({ room, reason, accessToken: room && this.#accessToken, signal: stop.signal }), stopped]);
      if (typeof token === "string") return token;
      throw new RoomsError("no_token", "getToken gave no token", { fatal: true });
    };
    const locks = lock ? globalThis.navigator?.locks : undefined;
    try {
      if (room === undefined) return (this.#accessToken = await (locks ? locks.request(lock, { signal: stop.signal }, ask) : ask()));
      return await ask().catch(async (error) => {
        if (error?.status !== 401) throw error;
        await this.#token(undefined, "refused"); // the access token has ended
        return ask();
      });
    } catch (error) {
      if (room === undefined && error?.fatal) this.#end(error);
      throw error;
    } finally {
      clearTimeout(timer);
      stop.abort();
    }
  }

  // Presents a fresh token to the service: for a seat, to take or to renew it
  // (`join`), or for the line, to let it live on (`auth`).
  async #present(bearer, reason, attempt = 0) {
    const line = this.#line;
    const seat = bearer === line ? undefined : bearer;
    const current = () => this.#line === line && (!seat || this.#seats.get(seat.name) === seat);
    if (!line?.welcome || !current() || bearer.busy || (reason === "join" && seat.seated)) return;
    bearer.busy = true;
    const again = (why) => this.#later(line, backoff(attempt), () => this.#present(bearer, why, attempt + 1));
    let token;
    try {
      token = await this.#token(seat?.name, reason);
    } catch (error) {
      if (!current()) return;
      bearer.busy = false;
      if (error?.fatal) return this.#drop(seat, { reason: error.code ?? "no_token", error });
      this.#events.emit("error", error);
      return again(reason);
    }
    if (!current()) return;
    if (seat) seat.asked = true;
    // Where there is a seat, `since` means nothing; should it end just now, it
    // is taken again from there.
    const command = seat ? { type: "join", token, since: seat.position } : { type: "auth", token };
    this.#call(line, command, (error, ack) => {
      if (!current()) return;
      bearer.busy = false;
      if (!error && seat && ack.seat.room !== seat.name) error = new RoomsError("wrong_room", "getToken gave a token of another room");
      if (!error) return seat && this.#seated(seat, ack.seat);
      if (error.code === "other_session") return this.#cut(line, 4401, error.message);
      if (error.code === "unavailable") return again(reason);
      if (error.code === "token_refused" && attempt < REFUSALS) return again("refused");
      if (!seat) return this.#events.emit("error", error);
      seat.asked = seat.seated;
      this.#drop(seat, { reason: error.code, error });
    });
  }

  async #connect() {
    clearTimeout(this.#waiting);
    this.#waiting = null;
    if (this.#over) return;
    const line = { calls: new Map(), commands: [], timers: new Set(), frames: 0, seen: 0, quiet: 0, budget: 0 };
    this.#line = line;
    try {
      const token = await this.#token(undefined, this.#reason);
      if (this.#line !== line) return;
      line.socket = new this.#options.WebSocket(this.#options.url.href, ["rooms.v1", "bearer", token]);
    } catch (error) {
      return this.#cut(line, undefined, "no token, or no socket", error);
    }
    line.socket.onmessage = ({ data }) => this.#receive(line, JSON.parse(data));
    line.socket.onclose = ({ code, reason }) => this.#cut(line, code, reason);
    line.socket.onerror = () => {}; // `close` follows, and says more
    this.#later(line, this.#options.connectTimeout, () => line.welcome || this.#cut(line, 1006, "no welcome"));
  }

  #welcomed(line, welcome) {
    Object.assign(line, { welcome, budget: allowance(welcome), at: Date.now() });
    this.#reason = "reconnect";
    this.#later(line, STABLE, () => (this.#attempt = 0));
    this.#tick(line);
    this.#events.emit("open", welcome);
    // The seat that came with the token is given up if nobody wants it, or if
    // it should go on from elsewhere: then it is taken again from there.
    const seat = this.#seats.get(welcome.seat.room);
    if (seat && !seat.position) this.#seated(seat, welcome.seat);
    else this.#call(line, { type: "leave", room: welcome.seat.room });
    for (const seat of this.#seats.values()) this.#present(seat, "join");
  }

  // The end of a line, by whomever; the next one follows unless `code` says no.
  #cut(line, code, reason, error) {
    if (this.#line !== line) return;
    if (isFinal(code)) return this.#end(new RoomsError("ended", `ended by the service: ${code} ${reason}`, { closeCode: code }));
    this.#hangUp(new RoomsError("lost", "the connection ended before there was an answer", { closeCode: code }));
    if (code === 4401 || (line.socket && !line.welcome)) this.#reason = "refused";
    const again = this.#attempt++;
    const delay = code === 4401 && again === 0 ? 0 : backoff(again) + (code === 4429 ? 5000 : 0);
    this.#waiting = setTimeout(() => this.#connect(), delay);
    this.#events.emit("retry", { delay, code, reason, error });
  }

  #hangUp(error) {
    const line = this.#line;
    this.#line = null;
    for (const timer of line?.timers ?? []) clearTimeout(timer);
    if (line?.socket) Object.assign(line.socket, { onmessage: null, onclose: null }).close(1000);
    for (const seat of this.#seats.values()) Object.assign(seat, { seated: false, asked: false, busy: false });
    for (const answer of line?.calls.values() ?? []) answer(error);
    for (const publish of [...this.#unsaid.values()]) {
      if (publish.sent && !publish.retry) publish.answer(error);
      publish.sent = false;
    }
  }

  #end(error) {
    if (this.#over) return;
    this.#over = error;
    clearTimeout(this.#waiting);
    this.#life.abort();
    this.#hangUp(error);
    for (const seat of [...this.#seats.values()]) this.#drop(seat, { reason: "closed", error });
    this.#events.emit("close", error);
  }

  // A browser doesn't show pings, so silence is measured, and broken by a
  // command. A tick that comes far too late was slept through.
  #tick(line) {
    line.quiet = line.frames === line.seen ? line.quiet + 1 : 0;
    if (Date.now() - line.at > OVERSLEPT) this.wake();
    else if (line.quiet === 5) this.#ping(line);
    Object.assign(line, { at: Date.now(), seen: line.frames });
    this.#later(line, line.welcome.heartbeat.interval_ms / 5, () => this.#tick(line));
  }

  #ping(line) {
    const { frames } = line;
    this.#call(line, { type: "ping" });
    this.#later(line, line.welcome.heartbeat.timeout_ms, () => line.frames === frames && this.#cut(line, 1006, "no answer"));
  }

  #seated(seat, { grant, presence, position: from, recovered }) {
    const { seated, grant: before } = seat;
    Object.assign(seat, { seated: true, asked: true, grant, presence });
    if (!seated) {
      if (!recovered) place(seat, from);
      // Without a place to go on from, what was said meanwhile is missing.
      const missing = seat.known && !recovered;
      seat.known = true;
      seat.emit("joined", { room: seat.name, recovered: !missing, position: seat.position, grant });
      if (missing) seat.emit("gap", { room: seat.name, position: seat.position });
    }
    if (before !== undefined && before !== grant) seat.emit("granted", { room: seat.name, grant });
    this.#pump();
  }

  // Ends a seat for good.
  #drop(seat, why) {
    if (this.#seats.get(seat.name) !== seat) return;
    this.#seats.delete(seat.name);
    if (seat.asked) this.#call(this.#line, { type: "leave", room: seat.name });
    Object.assign(seat, { seated: false, asked: false });
    const error = why.error ?? new RoomsError("left", "the room was left before the message was acknowledged");
    for (const publish of [...this.#unsaid.values()]) if (publish.seat === seat) publish.answer(error);
    seat.emit("left", why);
  }

  #users(seat) {
    return new Promise((resolve, reject) => {
      if (!seat.seated) throw new RoomsError("not_joined", "there is no seat in the room just now");
      if (!seat.presence) throw new RoomsError("presence_off", "this room does not tell who is there");
      this.#call(this.#line, { type: "presence", room: seat.name }, (error, { users } = {}) => (error ? reject(error) : resolve(users)));
    });
  }

  #publish(seat, data, { encoding, retry = true } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      if (this.#seats.get(seat.name) !== seat) throw new RoomsError("left", "the room was left");
      if (this.#unsaid.size >= this.#options.queue) throw new RoomsError("full", "too many messages wait for their acknowledgement");
      if (JSON.stringify(data) === undefined) throw new TypeError("data is not JSON");
      const id = `${this.#name}-${++this.#count}`;
      const text = JSON.stringify({ type: "publish", id, room: seat.name, data, encoding, key: retry ? id : undefined });
      const answer = (error, ack) => {
        // Not said, as the seat ended just before: it waits for the next one.
        if (error?.code === "not_joined") return (publish.sent = false);
        this.#unsaid.delete(id);
        return error ? reject(error) : resolve({ seq: ack.seq });
      };
      const publish = { seat, text, retry, answer, sent: false };
      this.#unsaid.set(id, publish);
      this.#pump();
    });
  }

  // `answer(error, frame)` is called before any later frame is looked at.
  #call(line, command, answer = () => {}) {
    const id = `c${++this.#count}`;
    line.calls.set(id, answer);
    line.commands.push(JSON.stringify({ ...command, id }));
    this.#pump();
  }

  // Sends what may be sent, no faster than the service takes it.
  #pump() {
    const line = this.#line;
    while (line?.welcome && line.budget > 0) {
      const text = line.commands.shift() ?? this.#nextPublish(line.welcome.limits.message_bytes);
      if (text === undefined) return;
      line.budget -= 1;
      line.refill ??= this.#later(line, 1000, () => {
        Object.assign(line, { budget: allowance(line.welcome), refill: null });
        this.#pump();
      });
      line.socket.send(text);
    }
  }

  // What the service would refuse isn't sent: it closes on too many mistakes.
  #nextPublish(bytes) {
    for (const publish of this.#unsaid.values()) {
      const { seat, text, sent, answer } = publish;
      if (sent || !seat.seated) continue;
      publish.sent = true;
      if (seat.grant === "r") answer(new RoomsError("not_permitted", "the seat in this room only hears"));
      else if (new TextEncoder().encode(text).length > bytes) answer(new RoomsError("too_big", `a message has at most ${bytes} bytes`));
      else return text;
    }
  }

  #receive(line, frame) {
    line.frames += 1;
    if (frame.type === "welcome") return this.#welcomed(line, frame);
    if (frame.id !== undefined) {
      const answer = this.#unsaid.get(frame.id)?.answer ?? line.calls.get(frame.id);
      line.calls.delete(frame.id);
      return frame.type === "error" ? answer?.(failure(frame)) : answer?.(null, frame);
    }
    const seat = this.#seats.get(frame.room);
    if (frame.type === "expiring" && !frame.room) return this.#present(line, "expiring");
    if (frame.type === "error" && !seat) return this.#events.emit("error", failure(frame));
    if (!seat?.seated) return;
    if (frame.type === "expiring") return this.#present(seat, "expiring");
    if (frame.type === "error") { // that ends the seat
      Object.assign(seat, { seated: false, asked: seat.busy });
      if (frame.code === "seat_expired") return this.#present(seat, "join");
      return this.#drop(seat, { reason: frame.code, error: failure(frame) });
    }
    if (frame.type === "message" && frame.seq <= seat.seq) return; // heard before
    if (frame.type === "message" && seat.epoch) seat.seq = frame.seq;
    if (frame.type === "presence") frame = { joined: [], left: [], ...frame };
    if (frame.type === "gap") place(seat, frame.position);
    if (frame.type === "granted") seat.grant = frame.grant;
    seat.emit(frame.type, frame);
  }

  #later(line, ms, then) {
    const timer = setTimeout(() => line.timers.delete(timer) && then(), ms);
    line.timers.add(timer);
    return timer;
  }
}

// Listeners by type. One that throws is reported; the others hear all the same.
function events() {
  const listeners = {};
  return {
    on(type, listener) {
      (listeners[type] ??= new Set()).add(listener);
      return () => listeners[type].delete(listener);
    },
    emit(type, value) {
      for (const listener of [...(listeners[type] ?? [])]) {
        try { listener(value); } catch (error) { queueMicrotask(() => { throw error; }); }
      }
    },
  };
}

// Where a seat is, by a position; nowhere without one.
function place(seat, text) {
  const [, epoch, seq] = /^([0-9a-f]{16}):([0-9]+)$/.exec(text ?? "") ?? [];
  Object.assign(seat, { epoch, seq: seq && Number(seq) });
}

const failure = ({ code, detail, room }) => new RoomsError(code, detail ?? code, { room });

// Full jitter, in milliseconds.
const backoff = (attempt) => Math.random() * Math.min(30_000, 500 * 2 ** attempt);

// Half of what the service takes: no second then sees more, wherever it begins.
const allowance = ({ limits }) => Math.max(1, Math.floor(limits.messages_per_second / 2));

// The ranges in which the service says "don't come back".
const isFinal = (code) => (code >= 4500 && code <= 4999) || [1002, 1003, 1007, 1008, 1009].includes(code);
