import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, Unreachable } from "../api.js";
import { Ended, Session } from "../session.js";

const problem = (status, kind) => new ApiError(status, { type: `urn:problem-type:${kind}`, title: "no" });

/** What the tabs of one browser share: a store and a lock. */
function browser() {
  let kept = null;
  let line = Promise.resolve();
  return {
    store: {
      read: () => kept && { ...kept },
      write: (session) => (kept = session),
      forget: (session) => kept?.session === session && (kept = null),
    },
    locks: {
      request(_, inside) {
        const turn = line.then(inside);
        line = turn.catch(() => {});
        return turn;
      },
    },
  };
}

/** How long the service gives the same answer to the same refresh token, in milliseconds. */
const GRACE = 10_000;

/** A service with one account, whose refresh tokens are good for one use. */
function service({ life = 600, clock = () => 0 } = {}) {
  const self = {
    session: 0,
    count: 0,
    refresh: null,
    spent: undefined,
    access: new Set(),
    log: [],
    tokens() {
      self.count += 1;
      self.refresh = `refresh-${self.count}`;
      self.access.add(`access-${self.count}`);
      return { access_token: `access-${self.count}`, refresh_token: self.refresh, expires_in: life };
    },
    async call(method, path, { token, body } = {}) {
      self.log.push(`${method} ${path}`);
      await null;
      if (path === "/auth/login") {
        self.session += 1;
        return self.tokens();
      }
      if (path === "/auth/refresh") {
        const { refresh_token: presented } = body;
        if (presented === self.spent?.token && clock() < self.spent.until) return self.spent.answer;
        if (presented !== self.refresh) throw problem(401, "invalid-refresh-token");
        self.spent = { token: presented, until: clock() + GRACE, answer: self.tokens() };
        return self.spent.answer;
      }
      if (!self.access.has(token)) throw problem(401, "invalid-token");
      if (path === "/auth/me") return { id: "ann-id", username: "ann", session: `session-${self.session}`, room: "ann-room" };
      if (path.startsWith("/auth/logout")) self.access.clear();
      if (path === "/rooms/gone/token") throw problem(404, "room-not-found");
      if (path === "/rooms/tea/token") return { access_token: "room-token" };
      return {};
    },
  };
  return self;
}

async function signedIn(options) {
  const shared = browser();
  let now = 0;
  const clock = () => now;
  const there = service({ ...options, clock });
  const tab = (call = there.call) => new Session({ call, ...shared, clock });
  const session = tab();
  await session.signIn("ann", "plum-tractor-91-violin");
  return { shared, there, tab, session, pass: (milliseconds) => (now += milliseconds) };
}

test("the store has the refresh token, and never the access token", async () => {
  const { shared, session } = await signedIn();
  assert.deepEqual(shared.store.read(), { session: "session-1", refresh_token: "refresh-1" });
  assert.doesNotMatch(JSON.stringify(shared.store.read()), /access/);
  assert.equal(session.account.username, "ann");
});

test("a reload goes on with what is stored", async () => {
  const { shared, tab } = await signedIn();
  const again = tab();
  await again.resume();
  assert.equal(again.account.username, "ann");
  assert.equal(shared.store.read().refresh_token, "refresh-2");
});

test("tabs that refresh at once use one refresh token after the other", async () => {
  const { there, tab } = await signedIn();
  const tabs = Array.from({ length: 5 }, tab);
  await Promise.all(tabs.map((one) => one.resume()));
  assert.equal(there.refresh, "refresh-6");
});

test("a young token is given again, an old or refused one is renewed", async () => {
  const { session, pass } = await signedIn();
  assert.equal(await session.getToken({ reason: "connect" }), "access-1");
  pass(299_000);
  assert.equal(await session.getToken({ reason: "reconnect" }), "access-1");
  assert.equal(await session.getToken({ reason: "refused" }), "access-2");
  pass(301_000);
  assert.equal(await session.getToken({ reason: "wake" }), "access-3");
});

test("one that ends soon is renewed, however short its life", async () => {
  const { session } = await signedIn({ life: 30 });
  assert.equal(await session.getToken({ reason: "connect" }), "access-1");
  assert.equal(await session.getToken({ reason: "expiring" }), "access-2");
});

test("a request whose token has ended is asked again with a fresh one", async () => {
  const { there, session } = await signedIn();
  there.access.clear();
  assert.deepEqual(await session.ask("GET", "/rooms"), {});
  assert.deepEqual(there.log.slice(-3), ["GET /rooms", "POST /auth/refresh", "GET /rooms"]);
});

test("requests that find the token ended together renew it once", async () => {
  const { there, session } = await signedIn();
  there.access.clear();
  await Promise.all([session.ask("GET", "/rooms"), session.ask("GET", "/auth/sessions")]);
  assert.equal(there.log.filter((line) => line === "POST /auth/refresh").length, 1);
});

test("the end of the session is told, and leaves nothing behind", async () => {
  const { there, shared, session } = await signedIn();
  let told = 0;
  session.ended = () => (told += 1);
  there.refresh = "none";
  there.access.clear();
  await assert.rejects(session.ask("GET", "/rooms"), Ended);
  assert.equal(told, 1);
  assert.equal(shared.store.read(), null);
  assert.equal(await session.getToken({ reason: "refused" }), null);
});

test("a service that can't be reached ends no session", async () => {
  const { shared } = await signedIn();
  const offline = new Session({ ...shared, call: () => Promise.reject(new Unreachable()) });
  await assert.rejects(offline.resume(), Unreachable);
  assert.equal(shared.store.read().refresh_token, "refresh-1");
});

test("an answer that never comes is asked for again while the service still gives it", async () => {
  const { there, shared, tab, pass } = await signedIn();
  let lost = 1;
  const again = tab(async (method, path, more) => {
    const answer = await there.call(method, path, more);
    if (path !== "/auth/refresh" || lost-- <= 0) return answer;
    pass(more.patience ?? 20_000);
    throw new Unreachable();
  });
  await again.resume();
  assert.equal(again.account.username, "ann");
  assert.equal(shared.store.read().refresh_token, "refresh-2");
});

test("what another tab wrote late is tried before anybody is signed out", async () => {
  const { there, shared } = await signedIn();
  const late = { ...shared.store.read() };
  there.tokens(); // another tab has refreshed
  let reads = 0;
  const store = { ...shared.store, read: () => ({ ...late, refresh_token: reads++ === 0 ? "refresh-1" : "refresh-2" }) };
  const session = new Session({ call: there.call, store, locks: shared.locks });
  await session.resume();
  assert.equal(session.account.username, "ann");
});

test("a sign-out in another tab holds, also against a refresh that is under way", async () => {
  const { there, shared } = await signedIn();
  const call = async (...request) => {
    const answer = await there.call(...request);
    if (request[1] === "/auth/refresh") shared.store.forget("session-1");
    return answer;
  };
  const slow = new Session({ call, ...shared });
  await assert.rejects(slow.resume(), Ended);
  assert.equal(shared.store.read(), null);
});

test("signing out forgets what is stored, but not the session that came after", async () => {
  const { shared, session } = await signedIn();
  await session.signOut(true);
  assert.equal(shared.store.read(), null);
  assert.equal(session.account, undefined);

  const { shared: newer, session: old } = await signedIn();
  newer.store.write({ session: "session-of-bob", refresh_token: "refresh-of-bob" });
  await old.signOut(false);
  assert.equal(newer.store.read().session, "session-of-bob");
});

test("what was asked for an earlier session says nothing of the one after it", async () => {
  const { there, shared, tab } = await signedIn();
  let answer;
  const held = new Promise((resolve) => (answer = resolve));
  let first = true;
  const session = tab(async (method, path, more) => {
    if (path === "/auth/refresh" && first) {
      first = false;
      await held;
      throw problem(401, "invalid-refresh-token");
    }
    return there.call(method, path, more);
  });
  let told = 0;
  session.ended = () => (told += 1);
  await session.signIn("ann", "plum-tractor-91-violin");
  there.access.clear();
  const old = session.getToken({ reason: "refused" }); // holds no lock, as the client does
  session.forget();
  await session.signIn("ann", "plum-tractor-91-violin");
  const newer = session.getToken({ reason: "refused" });
  assert.equal(await newer, "access-4", "it waits for nothing of the earlier one");
  answer();
  assert.equal(await old, null);
  assert.equal(told, 0);
  assert.equal(shared.store.read().session, session.account.session);
});

test("who was signed out already has ended nothing elsewhere", async () => {
  for (const everywhere of [true, false]) {
    const { there, shared, session } = await signedIn();
    there.refresh = "none";
    there.access.clear();
    const signingOut = session.signOut(everywhere);
    if (everywhere) await assert.rejects(signingOut, Ended);
    else await signingOut;
    assert.equal(shared.store.read(), null);
  }
});

test("a sign-out that the service didn't hear of has not happened", async () => {
  const { there, shared } = await signedIn();
  const call = (method, path, more) => (path.startsWith("/auth/logout") ? Promise.reject(new Unreachable()) : there.call(method, path, more));
  const session = new Session({ call, ...shared });
  await session.resume();
  await assert.rejects(session.signOut(true), Unreachable);
  assert.ok(session.account && shared.store.read());
});

test("the token of a room is asked for with the client's token; a room that is gone stays so", async () => {
  const { session } = await signedIn();
  assert.equal(await session.getToken({ room: "tea", reason: "join", accessToken: "access-1" }), "room-token");
  await assert.rejects(session.getToken({ room: "gone", reason: "join", accessToken: "access-1" }), { status: 404, fatal: true });
  await assert.rejects(session.getToken({ room: "tea", reason: "join", accessToken: "ended" }), (error) => error.status === 401 && !error.fatal);
});
