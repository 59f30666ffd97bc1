// Two users in three rooms, through the end of a token and a restart of the
// service: each hears every message once, in one order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Service, nats } from "./processes.js";
import { inChromium, inNode } from "./stage.js";

const TTL = 8;
const LIMIT = { timeout: 180_000 };

/** Two actors with seats in three rooms, and each in the own one. */
async function meeting(t, place, env) {
  const { origin, actor } = await place(t);
  const service = await Service.start(t, { ALLOWED_ORIGINS: origin, APP__TOKENS__ACCESS_TTL: `${TTL}s`, ...env });
  const users = ["ann", "bob"];
  const actors = await Promise.all(users.map((username) => actor({ service: service.address, username })));
  const [ann, bob] = actors;
  const owns = [];
  for (const one of actors) {
    await one.register();
    owns.push(await one.signIn());
  }
  const rooms = [];
  for (const title of ["red", "green", "blue"]) {
    const { room } = await ann.ask("POST", "/rooms", { title });
    await ann.ask("PUT", `/rooms/${room}/members/bob`, { role: "member" });
    rooms.push(room);
  }
  const expected = Object.fromEntries([...rooms, ...owns].map((room) => [room, []]));
  for (const [index, one] of actors.entries()) {
    await one.connect();
    for (const room of [...rooms, owns[index]]) await one.join(room);
  }
  await Promise.all(actors.map((one) => one.untilTold("joined", 4)));

  /** Each says so many things in each of its rooms, all at once. */
  const talk = (phase, count, [...who] = actors) => {
    const said = [];
    for (const one of who) {
      const index = actors.indexOf(one);
      for (const room of [...rooms, owns[index]]) {
        const all = Array.from({ length: count }, (_, number) => `${users[index]} ${phase} ${number}`);
        expected[room].push(...all);
        said.push(one.sayAll(room, all));
      }
    }
    return Promise.all(said);
  };
  const everythingIsHeard = () =>
    Promise.all(
      actors.map((one, index) =>
        one.untilHeard(Object.fromEntries([...rooms, owns[index]].map((room) => [room, expected[room].length]))),
      ),
    );
  const state = () => Promise.all(actors.map((one) => one.state()));

  /** Every message once, in one order for all, and each user's in the order of saying. */
  const check = async () => {
    await everythingIsHeard();
    const [inAnn, inBob] = await state();
    for (const [heard, own] of [[inAnn.heard, owns[0]], [inBob.heard, owns[1]]]) {
      for (const room of [...rooms, own]) {
        assert.deepEqual([...heard[room]].sort(), [...expected[room]].sort(), "every message once");
        for (const user of users) {
          const of = (all) => all.filter((data) => data.startsWith(user));
          assert.deepEqual(of(heard[room]), of(expected[room]), "in the order of saying");
        }
      }
    }
    for (const room of rooms) assert.deepEqual(inAnn.heard[room], inBob.heard[room], "in one order for all");
    return [inAnn, inBob];
  };
  return { service, actors, ann, bob, rooms, talk, everythingIsHeard, state, check };
}

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
