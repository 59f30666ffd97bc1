// How it connects, comes back, and when it doesn't.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import * as everything from "../rooms.js";
import { Rooms } from "../rooms.js";
import { HOME, client, comeBack, hold, next } from "./support.js";

test("the module exports what its types say", () => {
  assert.deepEqual(Object.keys(everything).sort(), ["Rooms", "RoomsError"]);
});

test("it offers rooms.v1, bearer and a token that it asked for", async (t) => {
  const { service, rooms, asked } = await client(t);
  const connection = await service.connection();
  assert.deepEqual(connection.protocols, ["rooms.v1", "bearer", "token-1"]);
  assert.equal(connection.url, "/ws");
  assert.deepEqual([asked[0].room, asked[0].reason], [undefined, "connect"]);
  assert.equal(rooms.state, "connecting");
  connection.welcome();
  const welcome = await next(rooms, "open");
  assert.equal(welcome.user, "me");
  assert.equal(rooms.state, "open");
});

test("an http: address is taken for its ws: one", async (t) => {
  const { service } = await client(t);
  const other = new Rooms({ url: service.url.replace("ws:", "http:"), WebSocket, getToken: () => "a-token" });
  t.after(() => other.close());
  await service.connection();
  assert.equal((await service.connection()).url, "/ws");
});

test("what it can't do without is missed at once", () => {
  assert.throws(() => new Rooms({ url: "ws://127.0.0.1/", WebSocket }), /getToken/);
  assert.throws(() => new Rooms({ url: "ws://127.0.0.1/", WebSocket: undefined, getToken: () => "" }), /WebSocket/);
});

test("every attempt has a fresh token, and waits up to twice as long, at most 30 s", async (t) => {
  const pass = hold(t, 0.999_999);
  const { service, rooms, asked } = await client(t);
  const delays = [];
  for (let attempt = 0; attempt < 9; attempt += 1) {
    const connection = await service.connection();
    assert.equal(connection.token, `token-${attempt + 1}`);
    connection.cut();
    delays.push(Math.round(await comeBack(rooms, pass)));
  }
  assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  assert.equal(asked.length, 10);
});

test("the wait is anything from nothing on", async (t) => {
  const pass = hold(t, 0);
  const { service, rooms } = await client(t);
  (await service.connection()).cut();
  assert.equal(await comeBack(rooms, pass), 0);
  await service.connection();
});

test("a connection that lasts starts the backoff anew, one that doesn't goes on", async (t) => {
  const pass = hold(t, 0.5);
  const { service, rooms } = await client(t);
  const lives = async (ms) => {
    const connection = await service.connection();
    await connection.welcomes();
    pass(ms);
    connection.cut();
    return comeBack(rooms, pass);
  };
  assert.equal(await lives(9_000), 250);
  assert.equal(await lives(9_000), 500);
  assert.equal(await lives(9_000), 1000);
  assert.equal(await lives(11_000), 250);
});

for (const code of [1000, 1001, 1005, 1011, 1012, 1013, 4000, 4408, 4410, 4499]) {
  test(`after ${code} it comes back`, async (t) => {
    const pass = hold(t);
    const { service, rooms } = await client(t);
    const connection = await service.connection();
    await connection.welcomes();
    connection.close(code === 1005 ? undefined : code, code === 1005 ? undefined : "why");
    const retry = await next(rooms, "retry");
    assert.deepEqual([retry.code, rooms.state], [code, "waiting"]);
    pass(retry.delay);
    await (await service.connection()).welcomes();
  });
}

for (const code of [1002, 1003, 1007, 1008, 1009, 4500, 4503, 4507, 4509, 4999]) {
  test(`after ${code} it doesn't, and says why`, async (t) => {
    const pass = hold(t);
    const { service, rooms, asked } = await client(t);
    const room = rooms.join("a");
    const connection = await service.connection();
    await connection.welcomes();
    await connection.seats("a");
    const saying = room.publish("x");
    const left = next(room, "left");
    await connection.command("publish");
    connection.close(code, "the reason");
    const error = await next(rooms, "close");
    assert.deepEqual([error.code, error.closeCode, rooms.state], ["ended", code, "closed"]);
    assert.match(error.message, /the reason/);
    assert.deepEqual(await left, { reason: "closed", error });
    await assert.rejects(saying, error);
    const tokens = asked.length;
    pass(3_600_000);
    assert.deepEqual([service.handshakes, asked.length], [1, tokens]);
  });
}

test("after 4401 it comes back at once, with a token that is not from a cache", async (t) => {
  const pass = hold(t);
  const { service, rooms, asked } = await client(t);
  const connection = await service.connection();
  await connection.welcomes();
  connection.close(4401);
  assert.equal(await comeBack(rooms, pass), 0);
  assert.equal((await service.connection()).token, "token-2");
  assert.equal(asked[1].reason, "refused");
});

test("4401 again and again doesn't become a storm", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t);
  const delays = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const connection = await service.connection();
    await connection.welcomes();
    connection.close(4401);
    delays.push(await comeBack(rooms, pass));
  }
  assert.deepEqual(delays, [0, 500, 1000, 2000]);
});

test("after 4429 it takes its time", async (t) => {
  const pass = hold(t, 0);
  const { service, rooms } = await client(t);
  const connection = await service.connection();
  await connection.welcomes();
  connection.close(4429);
  assert.equal(await comeBack(rooms, pass), 5000);
});

test("a handshake that is refused may be the token's fault: the next is not from a cache", async (t) => {
  const pass = hold(t);
  const { service, rooms, asked } = await client(t);
  service.refusals = 2;
  await comeBack(rooms, pass);
  await comeBack(rooms, pass);
  await (await service.connection()).welcomes();
  assert.deepEqual(asked.map(({ reason }) => reason), ["connect", "refused", "refused"]);
});

test("a connection that brings no welcome is given up", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t, { connectTimeout: 3000 });
  const connection = await service.connection();
  const back = comeBack(rooms, pass);
  pass(3000);
  await back;
  await connection.closed;
  await (await service.connection()).welcomes();
});

test("what comes late from a connection that is over is not listened to", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t, { connectTimeout: 3000 });
  const late = await service.connection();
  const back = comeBack(rooms, pass);
  pass(3000);
  await back;
  const connection = await service.connection();
  late.welcome();
  await late.closed;
  assert.equal(rooms.state, "connecting");
  await connection.welcomes();
  assert.equal(rooms.state, "open");
});

test("the seat that comes with the token is given up, if nobody wants it", async (t) => {
  const { service } = await client(t);
  const connection = await service.connection();
  connection.welcome();
  assert.equal((await connection.command("leave")).room, HOME);
});

test("close() ends it, with what is waiting", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t);
  const room = rooms.join("a");
  const saying = room.publish("x");
  const connection = await service.connection();
  await connection.welcomes();
  const ends = Promise.all([next(rooms, "close"), next(room, "left")]);
  rooms.close();
  const [error, left] = await ends;
  assert.deepEqual([error.code, left], ["closed", { reason: "closed", error }]);
  await assert.rejects(saying, { code: "closed" });
  await assert.rejects(room.publish("y"), { code: "closed" });
  assert.throws(() => rooms.join("b"), { code: "closed" });
  assert.equal(await connection.closed, 1000);
  rooms.wake();
  pass(3_600_000);
  assert.equal(service.handshakes, 1);
});

test("a listener that throws is reported, and the others hear all the same", async (t) => {
  const { service, rooms } = await client(t);
  const reported = new Promise((resolve) => process.prependOnceListener("uncaughtException", resolve));
  const others = process.listeners("uncaughtException").slice(1);
  for (const other of others) process.off("uncaughtException", other);
  t.after(() => others.forEach((other) => process.on("uncaughtException", other)));
  rooms.on("open", () => {
    throw new Error("a mistake of the page");
  });
  const open = next(rooms, "open");
  (await service.connection()).welcome();
  await open;
  assert.match((await reported).message, /a mistake of the page/);
});
