import assert from "node:assert/strict";
import { test } from "node:test";
import { CatchUp } from "../catch_up.js";

/** Timers that fire when the test says so. */
function clock() {
  let now = 0;
  const due = new Map();
  let count = 0;
  return {
    setTimeout(then, delay) {
      due.set(++count, { at: now + delay, then });
      return count;
    },
    clearTimeout: (timer) => due.delete(timer),
    pass(milliseconds) {
      now += milliseconds;
      for (const [timer, { at, then }] of [...due]) {
        if (at <= now && due.delete(timer)) then();
      }
    },
    get waiting() {
      return due.size;
    },
  };
}

test("what comes after a lost connection is counted until there is silence", () => {
  const told = [];
  const timers = clock();
  const catchUp = new CatchUp((messages) => told.push(messages), timers);
  assert.equal(catchUp.back(), false, "the first seat is no return");
  catchUp.heard();
  catchUp.lost();
  assert.equal(catchUp.back(), true);
  for (let i = 0; i < 4; i += 1) {
    catchUp.heard();
    timers.pass(300);
  }
  assert.deepEqual(told, []);
  timers.pass(400);
  assert.deepEqual(told, [4]);
  catchUp.heard();
  timers.pass(10_000);
  assert.deepEqual(told, [4], "what is said later is no part of it");
});

test("nothing may have been missed", () => {
  const told = [];
  const timers = clock();
  const catchUp = new CatchUp((messages) => told.push(messages), timers);
  catchUp.lost();
  catchUp.back();
  timers.pass(400);
  assert.deepEqual(told, [0]);
});

test("a room that is never silent is caught up, too", () => {
  const told = [];
  const timers = clock();
  const catchUp = new CatchUp((messages) => told.push(messages), timers);
  catchUp.lost();
  catchUp.back();
  for (let i = 0; i < 40; i += 1) {
    catchUp.heard();
    timers.pass(100);
  }
  assert.equal(told.length, 1);
  assert.equal(timers.waiting, 0);
});

test("a connection that is lost again while catching up begins anew", () => {
  const told = [];
  const timers = clock();
  const catchUp = new CatchUp((messages) => told.push(messages), timers);
  catchUp.lost();
  catchUp.back();
  catchUp.heard();
  catchUp.lost();
  timers.pass(10_000);
  assert.deepEqual(told, []);
  catchUp.back();
  catchUp.heard();
  timers.pass(400);
  assert.deepEqual(told, [1]);
});
