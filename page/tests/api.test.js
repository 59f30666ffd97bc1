import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { call, Unreachable } from "../api.js";

test("an answer that takes longer than the request has patience for is none", { timeout: 10_000 }, async (t) => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  t.after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const url = `http://127.0.0.1:${silent.address().port}/`;
  await assert.rejects(call("GET", url, { patience: 20 }), Unreachable);
});
