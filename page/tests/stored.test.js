import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { forget, read, write } from "../stored.js";

/** What the browser keeps, and whether it keeps anything more. */
let kept, full;

beforeEach(() => {
  [kept, full] = [new Map(), false];
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem(key, value) {
      if (full) throw new DOMException("full", "QuotaExceededError");
      kept.set(key, value);
    },
    removeItem: (key) => kept.delete(key),
  };
  forget(read()?.session);
});

const session = (refresh_token) => ({ session: "ann's", refresh_token });

test("what is written is read, also by the next tab", () => {
  write(session("one"));
  assert.deepEqual(read(), session("one"));
  assert.equal(kept.size, 1);
});

test("where nothing more is kept, the newest one counts all the same", () => {
  write(session("one"));
  full = true;
  write(session("two"));
  assert.deepEqual(read(), session("two"));
  full = false;
  write(session("three"));
  write(session("four"));
  assert.deepEqual(read(), session("four"));
  assert.match([...kept.values()].join(), /four/);
});

test("where nothing is kept at all, the session lasts as long as the tab", () => {
  globalThis.localStorage = undefined;
  write(session("one"));
  assert.deepEqual(read(), session("one"));
  forget("another's");
  assert.deepEqual(read(), session("one"));
  forget("ann's");
  assert.equal(read(), null);
});

test("a session that is forgotten is so everywhere", () => {
  write(session("one"));
  full = true;
  write(session("two"));
  forget("ann's");
  assert.equal(read(), null);
  assert.equal(kept.size, 0);
});
