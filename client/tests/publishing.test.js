// What is said is said once, in order, or the caller hears that it wasn't.

import assert from "node:assert/strict";
import { test } from "node:test";
import { at, client, comeBack, hold, next } from "./support.js";

/** A client with a seat in each of these rooms. */
async function seated(t, names = ["a"], options = {}, welcome = {}) {
  const pass = hold(t);
  const parts = await client(t, options);
  const rooms = names.map((name) => parts.rooms.join(name));
  const connection = await parts.service.connection();
  await connection.welcomes(welcome);
  for (const room of rooms) {
    const joined = next(room, "joined");
    await connection.seats(room.name);
    await joined;
  }
  const again = async () => {
    connection.cut();
    await comeBack(parts.rooms, pass);
    const second = await parts.service.connection();
    await second.welcomes(welcome);
    return second;
  };
  return { ...parts, pass, rooms, room: rooms[0], client: parts.rooms, connection, again };
}

test("a message is acknowledged with its number", async (t) => {
  const { room, connection } = await seated(t);
  const saying = room.publish({ any: "JSON" });
  const command = await connection.command("publish");
  assert.deepEqual([command.room, command.data, command.encoding], ["a", { any: "JSON" }, undefined]);
  assert.ok(command.key.length >= 1 && command.key.length <= 64);
  connection.ack(command, { room: "a", seq: 12 });
  assert.deepEqual(await saying, { seq: 12 });
  const bytes = room.publish("AAEC", { encoding: "base64" });
  const binary = await connection.command("publish");
  assert.deepEqual([binary.data, binary.encoding], ["AAEC", "base64"]);
  connection.ack(binary, { room: "a" });
  assert.deepEqual(await bytes, { seq: undefined });
});

test("every message has a key of its own, also among clients", async (t) => {
  const one = await seated(t);
  const keys = [];
  for (let count = 0; count < 3; count += 1) {
    one.room.publish(count).catch(() => {});
    keys.push((await one.connection.command("publish")).key);
  }
  const two = await client(t);
  const room = two.rooms.join("a");
  room.publish("x").catch(() => {});
  const connection = await two.service.connection();
  await connection.welcomes();
  await connection.seats("a");
  keys.push((await connection.command("publish")).key);
  assert.equal(new Set(keys).size, 4);
});

test("what was not acknowledged is said again after a reconnect: in order, under its key", async (t) => {
  const { room, connection, again } = await seated(t);
  const sayings = ["one", "two", "three"].map((data) => room.publish(data));
  const first = [];
  for (const _ of sayings) first.push(await connection.command("publish"));
  connection.ack(first[0], { room: "a", seq: 1 });
  assert.deepEqual(await sayings[0], { seq: 1 });
  const second = await again();
  const later = room.publish("four");
  await second.seats("a", { position: at(0), recovered: true });
  const repeated = [];
  for (let count = 0; count < 3; count += 1) repeated.push(await second.command("publish"));
  assert.deepEqual(repeated.map(({ data }) => data), ["two", "three", "four"]);
  assert.deepEqual(repeated.slice(0, 2).map(({ key }) => key), first.slice(1).map(({ key }) => key));
  repeated.forEach((command, index) => second.ack(command, { room: "a", seq: index + 2 }));
  assert.deepEqual(await Promise.all([...sayings, later]), [1, 2, 3, 4].map((seq) => ({ seq })));
  assert.equal(second.unread, 0);
});

test("nothing is said in a room before there is a seat, and no other room waits for that", async (t) => {
  const { rooms: [a, b], again } = await seated(t, ["a", "b"]);
  const second = await again();
  const sayings = [a.publish("in a"), b.publish("in b")];
  const joins = { a: await second.command("join"), b: await second.command("join") };
  second.ack(joins.b, { seat: { room: "b", grant: "rw", presence: false, position: at(0), recovered: true } });
  const inB = await second.command("publish");
  second.ack(joins.a, { seat: { room: "a", grant: "rw", presence: false, position: at(0), recovered: true } });
  const inA = await second.command("publish");
  assert.deepEqual([inB.data, inA.data], ["in b", "in a"]);
  second.ack(inB, { seq: 1 });
  second.ack(inA, { seq: 1 });
  await Promise.all(sayings);
});

test("without retry a message is sent once at most, and has no key", async (t) => {
  const { room, connection, again } = await seated(t);
  const sent = room.publish("sent", { retry: false });
  assert.equal((await connection.command("publish")).key, undefined);
  const rejected = assert.rejects(sent, { code: "lost", closeCode: 1006 });
  const second = await again();
  await rejected;
  const waiting = room.publish("waiting", { retry: false });
  await second.seats("a", { recovered: true });
  const command = await second.command("publish");
  assert.equal(command.data, "waiting");
  second.ack(command, { seq: 1 });
  await waiting;
});

for (const code of ["not_delivered", "not_permitted", "malformed"]) {
  test(`a message that is refused with ${code} is the caller's`, async (t) => {
    const { room, connection } = await seated(t);
    const saying = room.publish("x");
    connection.refuse(await connection.command("publish"), code, { room: "a" });
    await assert.rejects(saying, { name: "RoomsError", code, message: `about ${code}`, room: "a" });
    const next = room.publish("y");
    connection.ack(await connection.command("publish"), { seq: 1 });
    await next;
  });
}

test("what came just after the seat's end is said from the next seat", async (t) => {
  const { room, connection } = await seated(t);
  const sayings = [room.publish("one"), room.publish("two")];
  const commands = [await connection.command("publish"), await connection.command("publish")];
  connection.send({ type: "error", room: "a", code: "seat_expired", detail: "ended" });
  for (const command of commands) connection.refuse(command, "not_joined", { room: "a" });
  await connection.seats("a", { position: at(0), recovered: true });
  const again = [await connection.command("publish"), await connection.command("publish")];
  assert.deepEqual(again.map(({ key }) => key), commands.map(({ key }) => key));
  again.forEach((command, seq) => connection.ack(command, { seq }));
  await Promise.all(sayings);
});

test("the queue has a bound, and room again when something is acknowledged", async (t) => {
  const { room, connection } = await seated(t, ["a"], { queue: 2 });
  const sayings = [room.publish("one"), room.publish("two")];
  await assert.rejects(room.publish("three"), { code: "full" });
  connection.ack(await connection.command("publish"), { seq: 1 });
  await sayings[0];
  sayings.push(room.publish("four"));
  for (const data of ["two", "four"]) {
    const command = await connection.command("publish");
    assert.equal(command.data, data);
    connection.ack(command, { seq: 2 });
  }
  await Promise.all(sayings);
});

test("who leaves takes back what waits", async (t) => {
  const { room, connection } = await seated(t);
  const saying = room.publish("x");
  await connection.command("publish");
  room.leave();
  await assert.rejects(saying, { code: "left" });
  await assert.rejects(room.publish("y"), { code: "left" });
});

test("what is no JSON is not sent", async (t) => {
  const { room, connection } = await seated(t);
  await assert.rejects(room.publish(undefined), TypeError);
  await assert.rejects(room.publish(() => {}), TypeError);
  const loop = {};
  loop.loop = loop;
  await assert.rejects(room.publish(loop), TypeError);
  await assert.rejects(room.publish(1n), TypeError);
  room.publish(null).catch(() => {});
  assert.equal((await connection.command("publish")).data, null);
});

test("what is said is what it was when it was said", async (t) => {
  const { room, again } = await seated(t);
  const second = await again();
  const data = { count: 1 };
  room.publish(data).catch(() => {});
  data.count = 2;
  await second.seats("a", { recovered: true });
  assert.deepEqual((await second.command("publish")).data, { count: 1 });
});

test("what the service would close for is not sent", async (t) => {
  const { room, connection } = await seated(t, ["a"], {}, { limits: { message_bytes: 300 } });
  await assert.rejects(room.publish("x".repeat(300)), { code: "too_big" });
  await assert.rejects(room.publish("é".repeat(120)), { code: "too_big" });
  room.publish("x".repeat(120)).catch(() => {});
  assert.equal((await connection.command("publish")).data.length, 120);
  const granted = next(room, "granted");
  connection.send({ type: "granted", room: "a", grant: "r" });
  await granted;
  await assert.rejects(room.publish("x"), { code: "not_permitted" });
  assert.equal(connection.unread, 0);
});

test("nothing is sent faster than the service takes it, and commands first", async (t) => {
  const { room, connection, pass, client } = await seated(t, ["a"], {}, { limits: { messages_per_second: 10 } });
  pass(1000);
  const sayings = Array.from({ length: 12 }, (_, index) => room.publish(index));
  const b = client.join("b");
  const said = async (...expected) => {
    for (const data of expected) {
      const command = await connection.command("publish");
      assert.equal(command.data, data);
      connection.ack(command, { seq: data });
    }
  };
  // Half of ten, then the command before the rest: had more been sent at once,
  // it would have come later.
  await said(0, 1, 2, 3, 4);
  pass(1000);
  await connection.seats("b");
  await said(5, 6, 7, 8);
  pass(1000);
  await said(9, 10, 11);
  assert.deepEqual((await Promise.all(sayings)).map(({ seq }) => seq), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(b.seated, true);
});
