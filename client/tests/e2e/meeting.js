// Two users who talk in three rooms and in their own, and what each has to hear.

import assert from "node:assert/strict";
import { Service } from "./processes.js";

export const LIMIT = { timeout: 180_000 };
const TTL = 8;

/** Two actors with seats in three rooms, and each in the own one. */
export async function meeting(t, place, env) {
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
