// What a room's listeners hear: everything once and in order, or that
// something is missing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH, HOME, at, client, comeBack, heard, hold, next } from "./support.js";

const OTHER = "00000000000000bb";

/** A client with a seat in room "a", at position 5. */
async function seated(t, seat = { position: at(5) }) {
  const pass = hold(t);
  const parts = await client(t);
  const room = parts.rooms.join("a");
  const all = heard(room);
  const connection = await parts.service.connection();
  await connection.welcomes();
  await connection.seats("a", seat);
  await next(room, "joined");
  /** The connection is lost; the next one is there, and welcome. */
  const again = async () => {
    connection.cut();
    await comeBack(parts.rooms, pass);
    const second = await parts.service.connection();
    await second.welcomes();
    return second;
  };
  /** Everything that was sent before has been heard. */
  const settled = async (on = connection) => {
    const marked = next(room, "presence");
    on.send({ type: "presence", room: "a", joined: ["mark"] });
    await marked;
    return all.filter((what) => what !== "+mark -");
  };
  return { ...parts, pass, room, connection, again, settled };
}

test("a seat is taken by a token for the room; what is said there is heard", async (t) => {
  const { service, rooms, asked } = await client(t);
  const room = rooms.join("a");
  const connection = await service.connection();
  await connection.welcomes();
  const join = await connection.seats("a", { grant: "r", presence: true, position: at(7) });
  assert.deepEqual(await next(room, "joined"), { room: "a", recovered: true, position: at(7), grant: "r" });
  assert.deepEqual([join.token, join.since], ["token-2", undefined]);
  assert.deepEqual([asked[1].room, asked[1].reason, asked[1].accessToken], ["a", "join", "token-1"]);
  assert.deepEqual([room.name, room.seated, room.grant, room.presence], ["a", true, "r", true]);
  connection.say("a", 8, { any: ["JSON"] }, { encoding: undefined });
  const message = await next(room, "message");
  assert.deepEqual(message, {
    type: "message", room: "a", seq: 8, from: "somebody", at: "2026-01-01T00:00:00Z", data: { any: ["JSON"] },
  });
  assert.equal(room.position, at(8));
});

test("a room that is joined twice is one room", async (t) => {
  const { rooms } = await client(t);
  assert.equal(rooms.join("a"), rooms.join("a"));
});

test("rooms don't hear each other", async (t) => {
  const { service, rooms } = await client(t);
  const [a, b] = [rooms.join("a"), rooms.join("b")];
  const [inA, inB] = [heard(a), heard(b)];
  const connection = await service.connection();
  await connection.welcomes();
  await connection.seats("a");
  await connection.seats("b");
  connection.say("a", 1);
  connection.say("nowhere", 1);
  connection.say("b", 1);
  await next(b, "message");
  assert.deepEqual([inA, inB], [["joined", "a 1"], ["joined", "b 1"]]);
});

test("the seat that came with the access token is used, if it is wanted and new", async (t) => {
  const { service, rooms, asked } = await client(t);
  const room = rooms.join(HOME);
  const connection = await service.connection();
  connection.welcome({ seat: { position: at(3) } });
  await next(room, "joined");
  connection.say(HOME, 4);
  await next(room, "message");
  assert.deepEqual([room.position, connection.unread, asked.length], [at(4), 0, 1]);
});

test("where the own room was heard before, the seat is taken again from there", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t);
  const room = rooms.join(HOME, { since: at(3) });
  const all = heard(room);
  for (const since of [at(3), at(4)]) {
    const connection = await service.connection();
    connection.welcome({ seat: { position: at(9) } });
    connection.say(HOME, 10, "from the seat that is given up");
    connection.ack(await connection.command("leave"));
    const join = await connection.seats(HOME, { position: since, recovered: true });
    assert.equal(join.since, since);
    const message = next(room, "message");
    connection.say(HOME, Number(since.split(":")[1]) + 1);
    await message;
    connection.cut();
    await comeBack(rooms, pass);
  }
  assert.deepEqual(all, ["joined", "home 4", "joined", "home 5"]);
});

test("after a reconnect every room goes on where it was", async (t) => {
  const { room, connection, again, settled } = await seated(t);
  connection.say("a", 6);
  connection.say("a", 9);
  await settled();
  const second = await again();
  assert.equal(room.seated, false);
  const join = await second.seats("a", { position: at(9), recovered: true });
  assert.equal(join.since, at(9));
  second.say("a", 10);
  assert.deepEqual(await settled(second), ["joined", "a 6", "a 9", "joined", "a 10"]);
  assert.equal(room.position, at(10));
});

test("nothing said before is heard again", async (t) => {
  const { connection, again, settled } = await seated(t);
  connection.say("a", 6);
  connection.say("a", 7);
  connection.say("a", 6);
  connection.say("a", 5);
  await settled();
  const second = await again();
  // Where the room stands by now is not where this client is.
  await second.seats("a", { position: at(8), recovered: true });
  for (const seq of [6, 7, 8, 8]) second.say("a", seq);
  assert.deepEqual(await settled(second), ["joined", "a 6", "a 7", "joined", "a 8"]);
});

test("what can't be recovered is a gap, told once, and another order begins", async (t) => {
  const { room, connection, again, settled } = await seated(t);
  connection.say("a", 6);
  await settled();
  const second = await again();
  await second.seats("a", { position: at(2, OTHER), recovered: false });
  second.say("a", 3);
  assert.deepEqual(await settled(second), ["joined", "a 6", "joined anew", `gap ${at(2, OTHER)}`, "a 3"]);
  assert.equal(room.position, at(3, OTHER));
});

test("a gap in the middle is passed on, with the new order", async (t) => {
  const { room, connection, settled } = await seated(t);
  connection.say("a", 6);
  connection.send({ type: "gap", room: "a", position: at(1, OTHER) });
  connection.say("a", 2);
  assert.deepEqual(await settled(), ["joined", "a 6", `gap ${at(1, OTHER)}`, "a 2"]);
  assert.equal(room.position, at(2, OTHER));
});

test("without an order there are no positions, and every reconnect is a gap", async (t) => {
  const { room, connection, again, settled } = await seated(t, { position: undefined });
  connection.say("a", undefined, "one");
  connection.say("a", undefined, "two");
  await settled();
  const second = await again();
  const join = await second.seats("a", { position: undefined });
  assert.deepEqual([join.since, room.position], [undefined, undefined]);
  second.say("a", undefined, "three");
  assert.deepEqual(await settled(second), ["joined", "one", "two", "joined anew", "gap undefined", "three"]);
});

test("an application may go on where it was another time", async (t) => {
  const { service, rooms } = await client(t);
  const room = rooms.join("a", { since: at(41) });
  const all = heard(room);
  assert.equal(room.position, at(41));
  const connection = await service.connection();
  await connection.welcomes();
  const join = await connection.seats("a", { position: at(41), recovered: true });
  connection.say("a", 41);
  connection.say("a", 42);
  await next(room, "message");
  assert.equal(join.since, at(41));
  assert.deepEqual(all, ["joined", "a 42"]);
});

test("what is no position is refused", async (t) => {
  const { rooms } = await client(t);
  for (const since of ["", "7", "aa:7", `${EPOCH}:`, `${EPOCH.toUpperCase()}:7`, `${EPOCH}:-1`]) {
    assert.throws(() => rooms.join("a", { since }), TypeError);
  }
  assert.equal(rooms.join("a").position, undefined);
});

test("who comes and goes is heard, and can be asked for", async (t) => {
  const { room, connection, settled } = await seated(t, { presence: true });
  connection.send({ type: "presence", room: "a", joined: ["ann", "bob"] });
  connection.send({ type: "presence", room: "a", left: ["ann"] });
  assert.deepEqual(await settled(), ["joined", "+ann,bob -", "+ -ann"]);
  const users = room.users();
  const command = await connection.command("presence");
  connection.send({ type: "presence", id: command.id, room: "a", users: ["bob"] });
  assert.deepEqual(await users, ["bob"]);
});

test("who is there isn't asked where it isn't told, or without a seat", async (t) => {
  const { room, connection, rooms } = await seated(t);
  await assert.rejects(room.users(), { code: "presence_off" });
  await assert.rejects(rooms.join("b").users(), { code: "not_joined" });
  assert.equal((await connection.command()).type, "join");
  assert.equal(connection.unread, 0);
});

test("an answer that was not there when the connection ended doesn't come", async (t) => {
  const { room, connection } = await seated(t, { presence: true });
  const users = room.users();
  await connection.command("presence");
  connection.cut();
  await assert.rejects(users, { code: "lost", closeCode: 1006 });
});

test("a grant that changes is told, on the way and over a reconnect", async (t) => {
  const { room, connection, again, settled } = await seated(t);
  connection.send({ type: "granted", room: "a", grant: "r" });
  assert.deepEqual(await settled(), ["joined", "granted r"]);
  assert.equal(room.grant, "r");
  const second = await again();
  await second.seats("a", { grant: "rw", recovered: true });
  assert.deepEqual(await settled(second), ["joined", "granted r", "joined", "granted rw"]);
});

test("a member who is removed has left", async (t) => {
  const { rooms, room, connection, again } = await seated(t);
  connection.send({ type: "error", room: "a", code: "removed", detail: "no member any more" });
  const { reason, error } = await next(room, "left");
  assert.deepEqual([reason, error.code, error.message, room.seated], ["removed", "removed", "no member any more", false]);
  await assert.rejects(room.publish("x"), { code: "left" });
  rooms.join("b");
  await connection.seats("b");
  const second = await again();
  assert.equal((await second.command("join")).since, at(0));
  assert.notEqual(rooms.join("a"), room);
  assert.equal((await second.command("join")).since, undefined);
});

test("a seat whose token ended is taken again, and misses nothing", async (t) => {
  const { connection, settled, asked } = await seated(t);
  connection.say("a", 6);
  connection.send({ type: "error", room: "a", code: "seat_expired", detail: "ended" });
  const join = await connection.seats("a", { position: at(6), recovered: true });
  connection.say("a", 7);
  assert.deepEqual([join.since, join.token], [at(6), `token-${asked.length}`]);
  assert.deepEqual(await settled(), ["joined", "a 6", "joined", "a 7"]);
});

test("who leaves hears no more, and isn't back after a reconnect", async (t) => {
  const { rooms, room, connection, again } = await seated(t);
  const all = heard(room);
  room.leave();
  room.leave();
  const leave = await connection.command("leave");
  assert.equal(leave.room, "a");
  connection.say("a", 6);
  connection.ack(leave, { room: "a" });
  const second = await again();
  rooms.join("b");
  assert.equal((await second.command("join")).token, "token-4");
  assert.deepEqual(all, ["left left"]);
});

test("a room that is left while its seat is being taken is given up", async (t) => {
  const { service, rooms } = await client(t);
  const connection = await service.connection();
  await connection.welcomes();
  const room = rooms.join("a");
  const join = await connection.command("join");
  room.leave();
  connection.ack(join, { seat: { room: "a", grant: "rw", presence: false, position: at(1) } });
  assert.deepEqual(((leave) => [leave.type, leave.room])(await connection.command()), ["leave", "a"]);
  assert.equal(room.seated, false);
});

for (const code of ["too_many_rooms", "not_permitted", "malformed"]) {
  test(`a seat that is refused with ${code} is none`, async (t) => {
    const { service, rooms } = await client(t);
    const room = rooms.join("a");
    const saying = room.publish("x");
    const connection = await service.connection();
    await connection.welcomes();
    const left = next(room, "left");
    connection.refuse(await connection.command("join"), code);
    assert.deepEqual([(await left).reason, (await left).error.code], [code, code]);
    await assert.rejects(saying, { code });
    assert.equal(rooms.state, "open");
  });
}

test("a seat that can't be had just now is asked for again", async (t) => {
  const pass = hold(t);
  const { service, rooms } = await client(t);
  const room = rooms.join("a");
  const connection = await service.connection();
  await connection.welcomes();
  for (const wait of [250, 500, 1000]) {
    const join = await connection.command("join");
    connection.refuse(join, "unavailable");
    // What came before an answer to a later command has been dealt with.
    const other = rooms.join(`until-${wait}`);
    await connection.seats(other.name);
    await next(other, "joined");
    pass(wait);
  }
  await connection.seats("a");
  await next(room, "joined");
});

test("an error that answers nothing is passed on", async (t) => {
  const { rooms, connection } = await seated(t);
  connection.send({ type: "error", code: "malformed", detail: "about nothing" });
  const error = await next(rooms, "error");
  assert.deepEqual([error.code, error.message, rooms.state], ["malformed", "about nothing", "open"]);
});

test("what a newer service says besides is not a mistake", async (t) => {
  const { connection, settled } = await seated(t);
  connection.send({ type: "weather", room: "a" });
  connection.send({ type: "ack", id: "nobody's" });
  connection.send({ type: "error", id: "nobody's", code: "new" });
  connection.say("a", 6);
  assert.deepEqual(await settled(), ["joined", "a 6"]);
});
