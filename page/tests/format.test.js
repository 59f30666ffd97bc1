import assert from "node:assert/strict";
import { test } from "node:test";
import { count, device, duration, hue, initial, time, words } from "../format.js";

test("how long to wait is said in words", () => {
  for (const [seconds, text] of [[0, "1 second"], [1, "1 second"], [2.2, "3 seconds"], [90, "90 seconds"], [119, "about 2 minutes"], [3600, "about 60 minutes"], [7200, "about 2 hours"]]) {
    assert.equal(duration(seconds), text);
  }
  assert.equal(count(1, "message"), "1 message");
  assert.equal(count(4, "message"), "4 messages");
});

test("a message of today has its time, an older one its day, too", () => {
  const now = new Date(2026, 10, 24, 18, 0);
  assert.equal(time(new Date(2026, 10, 24, 9, 5).toISOString(), now, "en-GB"), "09:05");
  assert.equal(time(new Date(2026, 10, 23, 23, 59).toISOString(), now, "en-GB"), "Mon 23:59");
  assert.equal(time("no time", now), "");
});

test("whatever others say can be shown", () => {
  assert.equal(words({ data: "<b>hello</b>" }), "<b>hello</b>");
  assert.equal(words({ data: { text: "hello" } }), '{"text":"hello"}');
  assert.equal(words({ data: null }), "null");
  assert.equal(words({ data: "AAEC", encoding: "base64" }), "(not text: 3 bytes)");
  assert.equal(words({ data: "AA==", encoding: "base64" }), "(not text: 1 byte)");
});

test("somebody has one colour and one letter", () => {
  assert.equal(hue("0b1c"), hue("0b1c"));
  for (const id of ["", "a", "5c80518c-588f-4dc9-8778-24761f8aed4f"]) assert.ok([0, 1, 2, 3, 4, 5].includes(hue(id)));
  assert.equal(initial("émile"), "É");
  assert.equal(initial("𝒳"), "𝒳");
  assert.equal(initial(""), "?");
});

test("a browser is called as people call it", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  assert.equal(device(chrome), "Chrome on Linux");
  assert.equal(device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"), "Safari on iPhone");
  assert.equal(device("curl/7.88.1"), "curl");
  assert.equal(device(undefined), "Some program");
});
