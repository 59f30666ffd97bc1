// Two users in three rooms, through the end of a token and a restart of the
// service: each hears every message once, in one order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMIT, meeting } from "./meeting.js";
import { inChromium, inNode } from "./stage.js";

/**
 * Tokens are renewed in time, and once they are not. Meanwhile they talk, so
 * slowly that what one misses is kept.
 */
async function throughTheEndOfTokens({ actors, bob, ann, talk, state, check }) {
  await talk("at first", 10);
  const before = await state();
  // Whatever token a socket gets lets it live on: so the rooms' are waited for.
  const renewed = Promise.all(
    actors.map((one, index) => one.untilFetched("expiring in a room", 8, before[index].tokens.length)),
  );
  let going = true;
  renewed.then(() => (going = false));
  for (let round = 0; going; round += 1) {
    await talk(`renewing ${round}`, 1);
    await Promise.race([renewed, new Promise((resolve) => setTimeout(resolve, 300))]);
  }
  const after = await check();
  for (const { told } of after) assert.deepEqual(told.filter((what) => /^(retry|gap|error|close|left)/.test(what)), []);

  await bob.block(true);
  const since = after[1].told.length;
  const over = bob.untilTold("retry 4401", 1, since);
  let open = true;
  over.then(() => (open = false));
  for (let round = 0; open; round += 1) {
    await talk(`ending ${round}`, 1, [ann]);
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 300))]);
  }
  await bob.block(false);
  await talk("ended", 5);
  const [, { told }] = await check();
  assert.deepEqual(told.slice(since).filter((what) => /^(gap|joined anew|close|left)/.test(what)), []);
}

for (const [name, place] of [["Node", inNode], ["two pages of a browser", inChromium]]) {
  test(`${name}, rooms in memory: through a token's end and a restart`, LIMIT, async (t) => {
    const meet = await meeting(t, place, {});
    const { service, actors, talk, state, check } = meet;
    await throughTheEndOfTokens(meet);
    const before = await state();

    await service.stop("SIGTERM");
    await Promise.all(actors.map((one, index) => one.untilTold("retry", 1, before[index].told.length)));
    const queued = talk("while it was away", 2);
    await service.start();
    await queued;
    await Promise.all(actors.map((one, index) => one.untilTold("joined anew", 4, before[index].told.length)));
    await talk("afterwards", 10);

    for (const [index, { told }] of (await check()).entries()) {
      const since = told.slice(before[index].told.length);
      assert.equal(since.find((what) => what.startsWith("retry")), "retry 1012");
      const gaps = since.filter((what) => what.startsWith("gap"));
      assert.deepEqual([gaps.length, new Set(gaps).size], [4, 4], "one gap for each room");
      assert.deepEqual(since.filter((what) => /^(close|left)/.test(what)), []);
    }
  });
}
