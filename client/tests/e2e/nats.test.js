// Two users whose rooms are on a NATS server, which keeps what was said through
// the death of the service.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMIT, meeting } from "./meeting.js";
import { folder, start } from "./processes.js";
import { inChromium } from "./stage.js";

/** A NATS server with JetStream; its URL. */
async function nats(t) {
  const cwd = await folder(t);
  const args = ["-js", "-a", "127.0.0.1", "-p", "-1", "-sd", cwd];
  const { found } = await start(t, "nats-server", args, {
    cwd, env: { PATH: process.env.PATH }, from: "stderr", ready: /Listening for client connections on (\S+)/,
  });
  return `nats://${found[1]}`;
}

test("two pages of a browser, rooms in NATS with history: through the death of the service while they talk", LIMIT, async (t) => {
  const env = { NATS_URL: await nats(t), APP__BUS__HISTORY: "100", APP__TOKENS__ACCESS_TTL: "10m" };
  const { service, actors, talk, state, check } = await meeting(t, inChromium, env);
  await talk("at first", 5);
  const before = await state();
  const talking = talk("dying", 10);
  await service.stop("SIGKILL");
  await Promise.all(actors.map((one, index) => one.untilTold("retry", 1, before[index].told.length)));
  const queued = talk("while it was away", 5);
  await service.start();
  await Promise.all([talking, queued]);
  await talk("afterwards", 10);
  for (const { told } of await check()) {
    assert.deepEqual(told.filter((what) => /^(gap|joined anew|close|left)/.test(what)), []);
  }
});
