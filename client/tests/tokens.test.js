// Tokens: asked for where one is needed, one at a time, renewed in time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { Rooms, RoomsError } from "../rooms.js";
import { HOME, Queue, Service, at, client, comeBack, heard, hold, next } from "./support.js";

/** A client whose tokens the test gives out by hand. */
async function byHand(t, options = {}) {
  const requests = new Queue();
  const getToken = (request) => new Promise((give, fail) => requests.put({ ...request, give, fail }));
  return { ...(await client(t, { getToken, ...options })), requests };
}

const set = (t, name, value) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
};

/** Web Locks, as far as the client uses them. */
class Locks {
  #tails = new Map();
  names = [];

  request(name, { signal }, hold) {
    this.names.push(name);
    const turn = (this.#tails.get(name) ?? Promise.resolve()).then(() => {
      signal.throwIfAborted();
      return hold();
    });
    this.#tails.set(name, turn.catch(() => {}));
    return turn;
  }
}

test("a null for a token ends the client", async (t) => {
  for (const nothing of [null, undefined]) {
    const { rooms } = await client(t, { getToken: async () => nothing });
    assert.equal((await next(rooms, "close")).code, "no_token");
    assert.equal(rooms.state, "closed");
  }
});

test("an error that is fatal ends the client, and is its reason", async (t) => {
  const error = Object.assign(new Error("signed out"), { fatal: true });
  const { rooms } = await client(t, {
    getToken() {
      throw error;
    },
  });
  const left = next(rooms.join("a"), "left");
  assert.equal(await next(rooms, "close"), error);
  assert.deepEqual(await left, { reason: "closed", error });
});

test("after any other error it asks again, and waits longer each time", async (t) => {
  const pass = hold(t);
  const { rooms, requests, service } = await byHand(t);
  const error = new Error("no network");
  const delays = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const retry = next(rooms, "retry");
    (await requests.next()).fail(error);
    delays.push((await retry).delay);
    assert.equal((await retry).error, error);
    pass((await retry).delay);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000]);
  (await requests.next()).give("at-last");
  assert.equal((await service.connection()).token, "at-last");
});

test("a token that doesn't come is given up, and the callback is told", async (t) => {
  const pass = hold(t);
  const { rooms, requests } = await byHand(t, { tokenTimeout: 4000 });
  const { signal } = await requests.next();
  const retry = next(rooms, "retry");
  pass(3999);
  assert.equal(signal.aborted, false);
  pass(1);
  assert.equal((await retry).error.code, "token_timeout");
  assert.equal(signal.aborted, true);
});

test("a client that is closed gives up the token that it waits for, and opens nothing", async (t) => {
  const { rooms, requests, service } = await byHand(t);
  const { signal, give } = await requests.next();
  const closed = next(rooms, "close");
  rooms.close();
  await closed;
  assert.equal(signal.aborted, true);
  give("too late");
  const other = new Rooms({ url: service.url, WebSocket, getToken: () => "another" });
  t.after(() => other.close());
  assert.equal((await service.connection()).token, "another");
  assert.equal(service.handshakes, 1);
});

test("one token is fetched at a time for a purpose, whoever asks meanwhile", async (t) => {
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("access");
  const connection = await service.connection();
  await connection.welcomes();
  rooms.wake();
  connection.send({ type: "expiring", expires_at: "soon" });
  connection.send({ type: "expiring", expires_at: "soon" });
  rooms.wake();
  const request = await requests.next();
  assert.deepEqual([request.room, request.reason], [undefined, "wake"]);
  // A room's token is another purpose; that it is asked for next shows that
  // nothing else was.
  rooms.join("a");
  assert.equal((await requests.next()).room, "a");
  assert.equal(request.signal.aborted, false);
  request.give("fresh");
  assert.equal((await connection.command("auth")).token, "fresh");
  assert.deepEqual([requests.size, request.signal.aborted], [0, true]);
});

test("tabs fetch access tokens one after the other, under the lock of that name", async (t) => {
  const locks = new Locks();
  set(t, "navigator", { locks });
  const service = await Service.start(t);
  const requests = new Queue();
  const getToken = (request) => new Promise((give) => requests.put({ ...request, give }));
  const tabs = [1, 2, 3].map(() => new Rooms({ url: service.url, WebSocket, getToken, lock: "its-name" }));
  t.after(() => tabs.forEach((tab) => tab.close()));
  for (const token of ["one", "two", "three"]) {
    const request = await requests.next();
    assert.equal(requests.size, 0);
    request.give(token);
    const connection = await service.connection();
    assert.equal(connection.token, token);
  }
  assert.deepEqual(locks.names, ["its-name", "its-name", "its-name"]);
});

test("a tab whose callback hangs doesn't hold the lock for ever", async (t) => {
  const pass = hold(t);
  set(t, "navigator", { locks: new Locks() });
  const first = await byHand(t, { tokenTimeout: 4000 });
  await first.requests.next();
  const second = await byHand(t, { tokenTimeout: 60_000 });
  pass(4000);
  (await second.requests.next()).give("hers");
  assert.equal((await second.service.connection()).token, "hers");
});

test("rooms don't queue for the lock: the access token is at hand", async (t) => {
  const locks = new Locks();
  set(t, "navigator", { locks });
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("access");
  await (await service.connection()).welcomes();
  rooms.join("a");
  rooms.join("b");
  const both = [await requests.next(), await requests.next()];
  assert.deepEqual(both.map(({ room, accessToken }) => [room, accessToken]), [["a", "access"], ["b", "access"]]);
  assert.deepEqual(locks.names, ["rooms.token"]);
});

test("without a lock, or without Web Locks, it works too", async (t) => {
  const locks = new Locks();
  set(t, "navigator", { locks });
  const none = await client(t, { lock: null });
  await none.service.connection();
  set(t, "navigator", {});
  const old = await client(t);
  await old.service.connection();
  assert.deepEqual(locks.names, []);
});

test("a room's 401 fetches a fresh access token, and asks once more", async (t) => {
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("old");
  const connection = await service.connection();
  await connection.welcomes();
  rooms.join("a");
  (await requests.next()).fail(Object.assign(new Error("401"), { status: 401 }));
  const fresh = await requests.next();
  assert.deepEqual([fresh.room, fresh.reason], [undefined, "refused"]);
  fresh.give("new");
  const again = await requests.next();
  assert.deepEqual([again.room, again.accessToken], ["a", "new"]);
  again.give("for a");
  assert.equal((await connection.command("join")).token, "for a");
});

test("a room's fatal error, or its null, ends that room alone", async (t) => {
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("access");
  const connection = await service.connection();
  await connection.welcomes();
  const [a, b, c] = ["a", "b", "c"].map((name) => rooms.join(name));
  const left = Promise.all([next(a, "left"), next(b, "left")]);
  (await requests.next()).fail(new RoomsError("no_such_room", "no such room", { fatal: true }));
  (await requests.next()).give(null);
  (await requests.next()).give("for c");
  await connection.seats("c");
  await next(c, "joined");
  assert.deepEqual((await left).map(({ reason }) => reason), ["no_such_room", "no_token"]);
  assert.equal(rooms.state, "open");
});

test("a room's other errors are told, and it is asked for again", async (t) => {
  const pass = hold(t);
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("access");
  const connection = await service.connection();
  await connection.welcomes();
  const room = rooms.join("a");
  for (const wait of [250, 500, 1000]) {
    const error = new Error("503");
    const told = next(rooms, "error");
    (await requests.next()).fail(error);
    assert.equal(await told, error);
    pass(wait);
  }
  (await requests.next()).give("for a");
  await connection.seats("a");
  await next(room, "joined");
});

test("a room's token that is refused is fetched anew, three times at most", async (t) => {
  const pass = hold(t);
  const { rooms, service, asked } = await client(t);
  const room = rooms.join("a");
  const left = next(room, "left");
  const connection = await service.connection();
  await connection.welcomes();
  for (const wait of [250, 500, 1000, 2000]) {
    connection.refuse(await connection.command("join"), "token_refused");
    if (wait === 2000) break;
    const other = rooms.join(`until-${wait}`);
    await connection.seats(other.name);
    await next(other, "joined");
    pass(wait);
  }
  assert.equal((await left).reason, "token_refused");
  const reasons = asked.filter((request) => request.room === "a").map(({ reason }) => reason);
  assert.deepEqual(reasons, ["join", "refused", "refused", "refused"]);
});

test("a token for another room is a mistake of getToken", async (t) => {
  const { rooms, service } = await client(t);
  const room = rooms.join("a");
  const left = next(room, "left");
  const connection = await service.connection();
  await connection.welcomes();
  await connection.seats("b");
  assert.equal((await left).reason, "wrong_room");
});

test("the socket is renewed before its token ends", async (t) => {
  const { rooms, service, asked } = await client(t);
  const connection = await service.connection();
  await connection.welcomes();
  for (const token of ["token-2", "token-3"]) {
    connection.send({ type: "expiring", expires_at: "2026-01-01T00:10:00Z" });
    const auth = await connection.command("auth");
    assert.equal(auth.token, token);
    connection.ack(auth, { expires_at: "2026-01-01T00:20:00Z" });
  }
  assert.deepEqual(asked.map(({ reason }) => reason), ["connect", "expiring", "expiring"]);
  assert.equal(rooms.state, "open");
});

test("a seat is renewed before its token ends, and hears everything meanwhile", async (t) => {
  const { rooms, service, asked } = await client(t);
  const room = rooms.join("a");
  const all = heard(room);
  const connection = await service.connection();
  await connection.welcomes();
  await connection.seats("a", { position: at(1) });
  connection.say("a", 2);
  connection.send({ type: "expiring", room: "a", expires_at: "2026-01-01T00:10:00Z" });
  const join = await connection.command("join");
  connection.say("a", 3);
  // Where the room stands by now is not where this client is.
  connection.ack(join, { seat: { room: "a", grant: "rw", presence: false, position: at(9) } });
  connection.say("a", 4);
  while (all.length < 4) await next(room, "message");
  assert.deepEqual(all, ["joined", "a 2", "a 3", "a 4"]);
  assert.deepEqual([room.position, join.token, asked[2].reason], [at(4), "token-3", "expiring"]);
});

test("a seat that ends while it is renewed misses nothing", async (t) => {
  const { rooms, service } = await client(t);
  const room = rooms.join("a");
  const all = heard(room);
  const connection = await service.connection();
  await connection.welcomes();
  await connection.seats("a", { position: at(1) });
  connection.say("a", 2);
  connection.send({ type: "expiring", room: "a", expires_at: "2026-01-01T00:10:00Z" });
  const join = await connection.command("join");
  connection.send({ type: "error", room: "a", code: "seat_expired", detail: "ended" });
  assert.equal(join.since, at(2));
  connection.ack(join, { seat: { room: "a", grant: "rw", presence: false, position: at(2), recovered: true } });
  connection.say("a", 3);
  while (all.length < 4) await next(room, "message");
  assert.deepEqual(all, ["joined", "a 2", "joined", "a 3"]);
});

test("a renewal is tried again, until the token has ended and the service says so", async (t) => {
  const pass = hold(t);
  const { rooms, requests, service } = await byHand(t);
  (await requests.next()).give("access");
  const connection = await service.connection();
  await connection.welcomes();
  connection.send({ type: "expiring", expires_at: "2026-01-01T00:10:00Z" });
  for (const wait of [250, 500]) {
    const told = next(rooms, "error");
    (await requests.next()).fail(new Error("no network"));
    await told;
    pass(wait);
  }
  (await requests.next()).give("refused by the service");
  const auth = await connection.command("auth");
  connection.refuse(auth, "token_refused");
  connection.close(4401);
  await comeBack(rooms, pass);
  const request = await requests.next();
  assert.equal(request.reason, "refused");
  request.give("fresh");
  assert.equal((await service.connection()).token, "fresh");
});

for (const what of ["auth", "join"]) {
  test(`when ${what} says that the session is another now, it connects anew with that`, async (t) => {
    const pass = hold(t);
    const { rooms, service, asked } = await client(t);
    const connection = await service.connection();
    await connection.welcomes();
    if (what === "join") rooms.join("a");
    else rooms.wake();
    const back = comeBack(rooms, pass);
    connection.refuse(await connection.command(what), "other_session");
    await back;
    assert.equal((await service.connection()).token, `token-${asked.length}`);
    assert.equal(asked.at(-1).reason, "refused");
  });
}

test("no token is left where somebody may look", async (t) => {
  const { rooms, service } = await client(t, { getToken: async () => "a-very-secret-token" });
  const room = rooms.join(HOME);
  const connection = await service.connection();
  connection.welcome();
  await next(room, "joined");
  const { inspect } = await import("node:util");
  const shown = inspect([rooms, room], { depth: 20, showHidden: true }) + JSON.stringify([rooms, room]);
  assert.ok(!shown.includes("a-very-secret-token"), shown);
});
