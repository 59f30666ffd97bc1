// What the tests share: a service that says only what a test has it say, and a
// client of it whose clock and dice the test holds.

import { createServer } from "node:http";
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { Rooms } from "../rooms.js";

export const HOME = "home";
export const EPOCH = "00000000000000aa";
export const at = (seq, epoch = EPOCH) => `${epoch}:${seq}`;

/** What was put in comes out in order, to whoever waits for it. */
export class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  next() {
    return this.#items.length > 0 ? Promise.resolve(this.#items.shift()) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  get size() {
    return this.#items.length;
  }
}

/** A connection of the client's, seen from the service. */
export class Connection {
  #socket;
  #commands = new Queue();
  pings = 0;

  constructor(socket, request) {
    this.#socket = socket;
    this.protocols = request.headers["sec-websocket-protocol"].split(",").map((name) => name.trim());
    this.token = this.protocols[2];
    this.url = request.url;
    this.closed = once(socket, "close").then(([code]) => code);
    socket.on("message", (data) => this.#commands.put(JSON.parse(data)));
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The next command; pings are answered on the way, unless one is wanted. */
  async command(type) {
    for (;;) {
      const command = await this.#commands.next();
      if (command.type === "ping") this.pings += 1;
      if (command.type === "ping" && type !== "ping") {
        this.ack(command);
      } else if (type !== undefined && command.type !== type) {
        throw new Error(`a ${type} was to come, not ${JSON.stringify(command)}`);
      } else {
        return command;
      }
    }
  }

  /** Commands that came and were not looked at. */
  get unread() {
    return this.#commands.size;
  }

  ack({ id }, more = {}) {
    this.send({ type: "ack", id, ...more });
  }

  refuse({ id }, code, more = {}) {
    this.send({ type: "error", id, code, detail: `about ${code}`, ...more });
  }

  /** Gives the seat that the next command asks for, and returns that command. */
  async seats(room, seat = {}) {
    const join = await this.command("join");
    this.ack(join, { seat: seatIn(room, seat) });
    return join;
  }

  say(room, seq, data = `${room} ${seq}`, more = {}) {
    this.send({ type: "message", room, seq, from: "somebody", at: "2026-01-01T00:00:00Z", data, ...more });
  }

  welcome({ seat = {}, limits = {}, heartbeat = {} } = {}) {
    this.send({
      type: "welcome",
      user: "me",
      session: "mine",
      expires_at: "2026-01-01T00:10:00Z",
      seat: seatIn(HOME, seat),
      limits: { rooms: 100, message_bytes: 65_536, messages_per_second: 100, errors_in_a_row: 10, ...limits },
      heartbeat: { interval_ms: 25_000, timeout_ms: 8_000, ...heartbeat },
    });
  }

  /** A welcome whose own room nobody wants. */
  async welcomes(more) {
    this.welcome(more);
    this.ack(await this.command("leave"));
  }

  close(code, reason = "") {
    this.#socket.close(code, reason);
  }

  /** As a cable that is pulled. */
  cut() {
    this.#socket.terminate();
  }
}

const seatIn = (room, seat) => ({
  room, grant: "rw", presence: false, expires_at: "2026-01-01T00:10:00Z", position: at(0), ...seat,
});

/** A service that says only what it is told to. */
export class Service {
  #connections = new Queue();
  #http = createServer();
  #sockets;
  refusals = 0;
  handshakes = 0;

  static async start(t) {
    const service = new Service();
    await service.#listen();
    t.after(() => service.#stop());
    return service;
  }

  async #listen() {
    const handleProtocols = () => "rooms.v1";
    this.#sockets = new WebSocketServer({ noServer: true, handleProtocols });
    this.#http.on("upgrade", (request, socket, head) => {
      this.handshakes += 1;
      if (this.refusals > 0) {
        this.refusals -= 1;
        return socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", () => socket.destroy());
      }
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#connections.put(new Connection(ws, request)));
    });
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    this.url = `ws://127.0.0.1:${this.#http.address().port}/ws`;
  }

  async #stop() {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  /** The next connection. */
  connection() {
    return this.#connections.next();
  }
}

/**
 * Time that passes when the test says so, and dice that always show `random`.
 * Node's own mock of timers takes the wrong one off if it is asked to clear one
 * of an earlier test, as `ws` does.
 */
export function hold(t, random = 0.5) {
  const real = { setTimeout, clearTimeout };
  const pending = new Set();
  let time = 0;
  globalThis.setTimeout = (then, ms = 0) => {
    const timer = { due: time + ms, then, unref: () => timer };
    pending.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => pending.delete(timer) || real.clearTimeout(timer);
  t.mock.method(Date, "now", () => time);
  t.mock.method(Math, "random", () => random);
  t.after(() => Object.assign(globalThis, real));
  const pass = (ms) => {
    const end = time + ms;
    for (;;) {
      const due = [...pending].filter((timer) => timer.due <= end).sort((one, other) => one.due - other.due);
      if (due.length === 0) break;
      pending.delete(due[0]);
      time = Math.max(time, due[0].due);
      due[0].then();
    }
    time = end;
  };
  // As for a machine that sleeps: the calendar goes on, timers don't.
  pass.asleep = (ms) => {
    time += ms;
    for (const timer of pending) timer.due += ms;
  };
  return pass;
}

/** A client, its service, and the tokens that were asked for. */
export async function client(t, options = {}) {
  const service = await Service.start(t);
  const asked = [];
  const getToken = async (request) => {
    asked.push(request);
    return `token-${asked.length}`;
  };
  const rooms = new Rooms({ url: service.url, WebSocket, getToken, ...options });
  t.after(() => rooms.close());
  return { service, rooms, asked };
}

/** The next event of a type. */
export const next = (emitter, type) =>
  new Promise((resolve) => {
    const deafen = emitter.on(type, (event) => {
      deafen();
      resolve(event);
    });
  });

/** Everything that is heard in a room from now on, as short as it can be said. */
export function heard(room) {
  const all = [];
  room.on("message", ({ data }) => all.push(data));
  room.on("gap", ({ position }) => all.push(`gap ${position}`));
  room.on("joined", ({ recovered }) => all.push(recovered ? "joined" : "joined anew"));
  room.on("presence", ({ joined, left }) => all.push(`+${joined} -${left}`));
  room.on("granted", ({ grant }) => all.push(`granted ${grant}`));
  room.on("left", ({ reason }) => all.push(`left ${reason}`));
  return all;
}

/** Ends the wait before the next attempt, however long it is; returns its length. */
export async function comeBack(rooms, pass) {
  const { delay } = await next(rooms, "retry");
  pass(delay);
  return delay;
}
