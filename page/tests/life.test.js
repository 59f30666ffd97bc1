import assert from "node:assert/strict";
import { test } from "node:test";
import { countdown, Life } from "../life.js";

test("a token's life is measured by a clock that nobody sets", () => {
  let now = 5_000;
  const life = new Life(600, 4_000, () => now);
  assert.equal(life.left, 599_000);
  assert.equal(life.young, true);
  now = 304_000;
  assert.equal(life.left, 300_000);
  assert.equal(life.young, false);
  now = 9_999_999;
  assert.equal(life.left, 0);
});

test("what is left reads as minutes and seconds", () => {
  for (const [milliseconds, text] of [[600_000, "10:00"], [599_001, "10:00"], [599_000, "9:59"], [61_000, "1:01"], [900, "0:01"], [0, "0:00"], [5_400_000, "90:00"]]) {
    assert.equal(countdown(milliseconds), text);
  }
});
