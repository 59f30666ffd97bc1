// One story with the generated types: from a new account to its last socket.

import assert from "node:assert/strict";
import { once } from "node:events";
import createClient from "openapi-fetch";
import type { components, paths } from "service-client";
import { WebSocket } from "ws";

type Problem = components["schemas"]["Problem"];
type Credentials = components["schemas"]["Credentials"];

const SERVICE = process.env["SERVICE"];
assert(SERVICE, "SERVICE has to name the service's address");
const client = createClient<paths>({ baseUrl: SERVICE });
const ann: Credentials = { username: "ann", password: "correct horse battery staple" };

/** The answer, which is no problem. */
function good<T>({ data, error }: { data?: T; error?: Problem }): T {
  assert.equal(error, undefined);
  assert(data !== undefined);
  return data;
}

/** The problem, which is of this type and has this status. */
function bad({ error, response }: { error?: Problem; response: Response }, status: number, type: string): void {
  assert(error, "this has to fail");
  assert.deepEqual([error.status, error.type], [status, `urn:problem-type:${type}`]);
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
}

/** The next event of that name, which comes within seconds. */
const next = (socket: WebSocket, event: string): Promise<unknown[]> =>
  once(socket, event, { signal: AbortSignal.timeout(10_000) });

async function heard(socket: WebSocket, what: string): Promise<void> {
  const [data] = await next(socket, "message");
  assert.equal(String(data), what);
}

// An account.
const account = good(await client.POST("/auth/register", { body: ann }));
assert.equal(account.username, "ann");
bad(await client.POST("/auth/register", { body: ann }), 409, "name-taken");
bad(await client.POST("/auth/login", { body: { ...ann, password: "wrong" } }), 401, "invalid-credentials");

// A session.
const first = good(await client.POST("/auth/login", { body: ann }));
assert.equal(first.token_type, "Bearer");
const tokens = good(await client.POST("/auth/refresh", { body: { refresh_token: first.refresh_token } }));
assert.notEqual(tokens.refresh_token, first.refresh_token);
client.use({
  onRequest({ request }) {
    request.headers.set("authorization", `Bearer ${tokens.access_token}`);
  },
});
const me = good(await client.GET("/auth/me"));
assert.deepEqual([me.id, me.username], [account.id, "ann"]);
const { sessions } = good(await client.GET("/auth/sessions"));
assert.deepEqual(sessions.map(({ id, current }) => ({ id, current })), [{ id: me.session, current: true }]);

// A room, and a socket in it.
const { room, role } = good(await client.POST("/rooms", { body: { title: "Tea at five" } }));
assert.equal(role, "owner");
const key = good(await client.POST("/rooms/{room}/token", { params: { path: { room } } }));
assert.deepEqual([key.room, key.grant], [room, "rw"]);
const socket = new WebSocket(`${SERVICE.replace(/^http/, "ws")}/ws`, ["bearer", key.access_token]);
await next(socket, "open");
assert.equal(socket.protocol, "bearer");
socket.send("hello");
await heard(socket, "hello");

// Said over HTTP, twice with one key, heard once.
const cake = {
  params: { path: { room }, header: { "Idempotency-Key": "cake" } },
  body: { data: { who: "brings cake?" } },
};
const hears = heard(socket, '{"who":"brings cake?"}');
const said = good(await client.POST("/rooms/{room}/messages", cake));
assert.deepEqual(good(await client.POST("/rooms/{room}/messages", cake)), said);
await hears;
socket.send("bye");
await heard(socket, "bye");
const history = good(await client.GET("/rooms/{room}/messages", { params: { path: { room } } }));
assert.deepEqual(history.messages.map(({ data }) => data), ["hello", cake.body.data, "bye"]);
assert(history.messages.every(({ from }) => from === me.id));
assert(said.position !== undefined);
const query = { since: said.position, limit: 10 };
const after = good(await client.GET("/rooms/{room}/messages", { params: { path: { room }, query } }));
assert.equal(after.recovered, true);
assert.deepEqual(after.messages.map(({ data }) => data), ["bye"]);

// The end of it all.
const closes = next(socket, "close");
assert.equal((await client.POST("/auth/logout")).response.status, 204);
assert.equal((await closes)[0], 4503);
bad(await client.GET("/auth/me"), 401, "invalid-token");
