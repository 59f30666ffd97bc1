// A connection that only seems to be there is noticed, and so is that the page
// or the machine is awake again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { client, comeBack, hold, next } from "./support.js";

const HEARTBEAT = { interval_ms: 10_000, timeout_ms: 3_000 };

/** A client that is connected, and a beat every ten seconds. */
async function connected(t, options) {
  const pass = hold(t);
  const parts = await client(t, options);
  const connection = await parts.service.connection();
  await connection.welcomes({ heartbeat: HEARTBEAT });
  return { ...parts, pass, connection };
}

/** A browser's window and document, as far as the client listens to them. */
function browser(t) {
  const page = { window: new EventTarget(), document: Object.assign(new EventTarget(), { visibilityState: "visible" }) };
  const { window } = page;
  globalThis.document = page.document;
  globalThis.addEventListener = window.addEventListener.bind(window);
  t.after(() => {
    delete globalThis.document;
    delete globalThis.addEventListener;
  });
  return page;
}

test("silence is broken by a ping; an answer, and it goes on", async (t) => {
  const { rooms, pass, connection } = await connected(t);
  // The answer to the `leave` was heard in the first tick.
  pass(2000);
  for (let beat = 0; beat < 3; beat += 1) {
    pass(10_000);
    const ping = await connection.command("ping");
    connection.ack(ping);
    rooms.join(`until-${beat}`);
    const join = await connection.command("join");
    connection.refuse(join, "too_many_rooms");
    await next(rooms.join(`until-${beat}`), "left");
    pass(2000);
  }
  assert.equal(rooms.state, "open");
});

test("no answer, and it comes back", async (t) => {
  const { rooms, service, pass, connection } = await connected(t);
  pass(12_000);
  await connection.command("ping");
  const retry = next(rooms, "retry");
  pass(3000);
  assert.equal((await retry).code, 1006);
  pass((await retry).delay);
  await (await service.connection()).welcomes();
});

test("anything that is heard is an answer", async (t) => {
  const { rooms, pass, connection } = await connected(t);
  pass(12_000);
  await connection.command("ping");
  const told = next(rooms, "error");
  connection.send({ type: "error", code: "new" });
  await told;
  pass(3000);
  assert.equal(rooms.state, "open");
});

test("a service that isn't silent isn't pinged", async (t) => {
  const { rooms, pass, connection } = await connected(t);
  for (let second = 0; second < 30; second += 1) {
    const told = next(rooms, "error");
    connection.send({ type: "error", code: "new" });
    await told;
    pass(1000);
  }
  rooms.join("a");
  await connection.command("join");
  assert.equal(connection.pings, 0);
});

const wakings = {
  "the page is seen again": ({ document }) => document.dispatchEvent(new Event("visibilitychange")),
  "the network is back": ({ window }) => window.dispatchEvent(new Event("online")),
  "the page comes from the cache": ({ window }) => window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })),
};

for (const [what, wake] of Object.entries(wakings)) {
  test(`${what}: the line is tried, and gets a fresh token`, async (t) => {
    const page = browser(t);
    const { rooms, connection, asked } = await connected(t);
    wake(page);
    const ping = await connection.command("ping");
    const auth = await connection.command("auth");
    assert.deepEqual([auth.token, asked[1].reason], ["token-2", "wake"]);
    connection.ack(ping);
    connection.ack(auth, { expires_at: "2026-01-01T00:20:00Z" });
    assert.equal(rooms.state, "open");
  });

  test(`${what}: nobody waits for the next attempt`, async (t) => {
    const page = browser(t);
    const { rooms, service, connection, asked } = await connected(t);
    connection.close(4429);
    await next(rooms, "retry");
    wake(page);
    assert.equal((await service.connection()).token, "token-2");
    assert.equal(asked[1].reason, "wake");
    assert.equal(service.handshakes, 2);
  });
}

test("a page that is hidden, shown for the first time, or left alone is not awake", async (t) => {
  const page = browser(t);
  const { rooms, connection, asked } = await connected(t);
  page.document.visibilityState = "hidden";
  page.document.dispatchEvent(new Event("visibilitychange"));
  page.window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  rooms.join("a");
  await connection.command("join");
  assert.deepEqual([asked.length, connection.pings], [2, 0]);
});

test("a line that didn't outlive the sleep is replaced", async (t) => {
  const { rooms, service, pass, connection } = await connected(t);
  rooms.wake();
  await connection.command("ping");
  const back = comeBack(rooms, pass);
  pass(3000);
  await back;
  await (await service.connection()).welcomes();
});

test("a tick that was slept through wakes the client", async (t) => {
  const { pass, connection, asked } = await connected(t);
  pass(2000);
  pass.asleep(3_600_000);
  pass(2000);
  await connection.command("ping");
  assert.equal((await connection.command("auth")).token, "token-2");
  assert.equal(asked[1].reason, "wake");
});

test("a hidden page's timers, a minute late, don't", async (t) => {
  const { rooms, pass, connection, asked } = await connected(t);
  for (let minute = 0; minute < 3; minute += 1) {
    pass.asleep(60_000);
    pass(2000);
  }
  rooms.join("a");
  await connection.command("join");
  assert.equal(asked.length, 2);
});

test("a client that is over listens to nothing more", async (t) => {
  const page = browser(t);
  const { rooms, service, asked } = await connected(t);
  rooms.close();
  for (const wake of Object.values(wakings)) wake(page);
  rooms.wake();
  assert.deepEqual([asked.length, service.handshakes], [1, 1]);
});
