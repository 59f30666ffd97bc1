import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "../timeline.js";

const AT = "2026-11-24T18:00:00Z";
const message = (seq, data, from = "bob") => ({ seq, from, at: AT, data });
const shown = ({ items }) => items.map(({ data }) => data).join(" ");

test("messages stand in the room's order, whatever order they are told in, and once", () => {
  const room = new Timeline("ann");
  assert.equal(room.heard(message(3, "c"), "x"), true);
  for (const [seq, data] of [[1, "a"], [2, "b"], [3, "c"], [4, "d"]]) room.heard(message(seq, data), "x");
  assert.equal(room.heard(message(2, "b"), "x"), false);
  assert.equal(shown(room), "a b c d");
});

test("where rooms have no order, messages stand as they come", () => {
  const room = new Timeline("ann");
  for (const data of ["a", "b", "a"]) room.heard({ from: "bob", at: AT, data });
  assert.equal(shown(room), "a b a");
});

test("a new order comes after the old one, though its numbers begin anew", () => {
  const room = new Timeline("ann");
  room.heard(message(7, "old"), "x");
  room.note("perhaps something is missing");
  room.heard(message(2, "newer"), "y");
  room.heard(message(1, "new"), "y");
  room.heard(message(7, "newest"), "y");
  assert.equal(shown(room), "old perhaps something is missing new newer newest");
});

test("what is said here stands last until it is acknowledged, and then in its place", () => {
  const room = new Timeline("ann");
  const said = room.say("mine", AT);
  room.heard(message(1, "theirs"), "x");
  assert.equal(shown(room), "theirs mine");
  assert.equal(said.state, "sending");
  room.said(said, 2, "x");
  room.heard(message(3, "later"), "x");
  assert.equal(shown(room), "theirs mine later");
  assert.equal(said.state, undefined);
  assert.equal(said.seq, 2);
});

test("one's own message is there once, whether it is heard or acknowledged first", () => {
  for (const heardFirst of [true, false]) {
    const room = new Timeline("ann");
    const said = room.say("mine", AT);
    const hear = () => assert.equal(room.heard(message(1, "mine", "ann"), "x"), false, "it is no news");
    if (heardFirst) hear();
    room.said(said, 1, "x");
    if (!heardFirst) hear();
    assert.equal(shown(room), "mine");
    assert.equal(room.items[0].state, undefined);
    assert.equal(room.items[0].here, true);
  }
});

test("a room that echoes nothing, and one without an order, show it once, too", () => {
  const room = new Timeline("ann");
  const one = room.say("one", AT);
  room.said(one, undefined, undefined);
  room.heard({ from: "bob", at: AT, data: "two" });
  assert.equal(shown(room), "one two");
  assert.equal(one.state, undefined);
});

test("the same words of another tab are another message", () => {
  const room = new Timeline("ann");
  const said = room.say("hello", AT);
  room.heard(message(1, "hello", "ann"), "x"); // of the other tab
  room.said(said, 2, "x");
  room.heard(message(2, "hello", "ann"), "x");
  assert.equal(shown(room), "hello hello");
  assert.deepEqual(room.items.map(({ seq, state }) => [seq, state]), [[1, undefined], [2, undefined]]);
});

test("what is acknowledged after what is kept was read isn't there twice", () => {
  const room = new Timeline("ann");
  const [first, second] = [room.say("x", AT), room.say("y", AT)];
  room.heard(message(2, "y", "ann"), "x");
  room.heard(message(1, "x", "ann"), "x");
  room.said(first, 1, "x");
  room.said(second, 2, "x");
  assert.equal(shown(room), "x y");
});

test("what failed stays, and can be tried again or taken back", () => {
  const room = new Timeline("ann");
  const said = room.say("mine", AT);
  room.failed(said, "The room is gone.");
  room.heard(message(1, "theirs"), "x");
  assert.deepEqual([shown(room), said.state, said.why], ["theirs mine", "failed", "The room is gone."]);
  room.again(said);
  assert.deepEqual([said.state, said.why], ["sending", undefined]);
  room.drop(said);
  assert.equal(shown(room), "theirs");
});

test("of notes in a row the last one stands", () => {
  const room = new Timeline("ann");
  room.heard(message(1, "a"), "x");
  room.note("one");
  room.note("two");
  room.say("mine", AT);
  room.heard(message(2, "b"), "x");
  assert.equal(shown(room), "a two b mine");
});

test("only so many are kept, and none that is not said", () => {
  const room = new Timeline("ann", 3);
  for (let seq = 1; seq <= 9; seq += 1) room.heard(message(seq, String(seq)), "x");
  assert.equal(shown(room), "7 8 9");
  const said = room.say("mine", AT);
  room.heard(message(10, "10"), "x");
  assert.equal(shown(room), "9 10 mine");
  room.failed(said, "no");
  assert.equal(shown(room), "9 10 mine");
});
