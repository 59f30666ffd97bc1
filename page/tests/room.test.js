import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../api.js";
import { Room } from "../room.js";

const ABOUT = { room: "tea", title: "Tea", presence: false, role: "member" };
const EPOCH = "0123456789abcdef";

/** A seat, as the rooms client gives it; `tell` is what the service does. */
class Seat {
  seated = true;
  position = `${EPOCH}:0`;
  unanswered = [];
  #listeners = {};

  on(type, listener) {
    this.#listeners[type] = listener;
  }

  tell(type, value) {
    this.#listeners[type](value);
  }

  publish(data) {
    return new Promise((resolve, reject) => this.unanswered.push({ data, resolve, reject }));
  }

  /** Is over for good: first the messages under way, then the seat, in one go. */
  end(code) {
    for (const { reject } of this.unanswered) reject(Object.assign(new Error(), { name: "RoomsError", code }));
    this.tell("left", { reason: code });
  }
}

/** Ann in a room; what she was told, and what `answers` the service gives, in turn. */
function sitting(answers = []) {
  const told = [];
  const announced = [];
  const session = {
    account: { id: "ann-id", username: "ann" },
    async ask(method, path) {
      if (path.endsWith("/members")) return { members: [] };
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const room = new Room(ABOUT, session, { changed: () => {}, announce: (text) => announced.push(text), tell: (text) => told.push(text) });
  const seat = new Seat();
  room.sit({ join: () => seat }, () => {});
  return { room, seat, told, announced };
}

test("what fails is told, and stays with its reason", async () => {
  const { room, seat, told } = sitting();
  const saying = room.say("hello");
  seat.unanswered[0].reject(Object.assign(new Error(), { name: "RoomsError", code: "not_delivered" }));
  await saying;
  assert.match(told.join(), /^Not sent: “hello”/);
  assert.equal(room.unsent, "hello");
});

test("what was under way as the room ended doesn't hide why it did", async () => {
  for (const code of ["removed", "closed"]) {
    const { room, seat, told } = sitting();
    const saying = room.say("hello");
    seat.end(code);
    await saying;
    assert.deepEqual(told, []);
    assert.equal(room.unsent, "hello");
  }
});

test("what is kept is read again where it couldn't be, and once where it could", async () => {
  const answers = [new ApiError(503, {}), { messages: [{ seq: 1, from: "bob", at: "", data: "kept" }], position: `${EPOCH}:1` }];
  const { room, seat } = sitting(answers);
  room.show();
  await seat.tell("joined", { grant: "rw", recovered: true });
  await new Promise(setImmediate);
  assert.equal(room.loaded, false);
  for (let look = 0; look < 3; look += 1) await room.load();
  assert.equal(room.loaded, true);
  assert.deepEqual(room.timeline.items.map(({ data }) => data), ["kept"]);
});

test("after a lost connection it says what came, and claims nothing where nothing did", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const [messages, note] of [[0, "Connected again"], [2, "Caught up: 2 messages"]]) {
    const { room, seat } = sitting();
    room.lost();
    seat.tell("joined", { grant: "rw", recovered: true });
    for (let seq = 1; seq <= messages; seq += 1) seat.tell("message", { seq, from: "bob", at: "", data: String(seq) });
    t.mock.timers.tick(3000);
    assert.equal(room.timeline.items.find(({ kind }) => kind === "note").data, note);
  }
});
