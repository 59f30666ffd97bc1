// Rooms are made, looked at, and taken away.

import assert from "node:assert/strict";
import { PASSWORD, Person } from "./person.js";
import { story } from "./stage.js";

story("a double click makes one room", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await ann.registers("ann");
  await ann.the("new-room").click();
  await ann.the("new-room-title").fill("Tea at five");
  const held = await ann.holds("/rooms");
  await ann.the("create-room").dblclick();
  held.release();
  await ann.isIn("Tea at five");
  const listed = ann.page.waitForResponse((response) => new URL(response.url()).pathname === "/rooms");
  await ann.the("look").click();
  await listed;
  assert.equal(await ann.the("rooms").getByText("Tea at five").count(), 1);
});

story("what was typed in a room goes on in one's own when one is removed from it", {
  expected: [/^error: Failed to load resource: .* 404 /],
}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  const bob = await Person.opens(await stage.profile());
  await ann.registers("ann");
  await bob.registers("bob");
  for (const title of ["Tea at five", "Tea at six"]) {
    await ann.makesRoom(title);
    await ann.adds("bob");
    await bob.goesTo(title);
    await bob.the("message").fill(`typed in ${title}`);
  }
  await bob.goesTo("Your room");
  await bob.the("message").fill("typed at home");
  await bob.goesTo("Tea at six");

  const remove = await asOwner(stage, "ann");
  await remove("bob", "Tea at five");
  await bob.isTold(/no longer in “Tea at five”/);
  assert.equal(await bob.the("message").inputValue(), "typed in Tea at six", "where one is, all stays as it is");
  await remove("bob", "Tea at six");
  await bob.isIn("Your room");
  await bob.isTold(/no longer in “Tea at six”.*in your room now/);
  assert.equal(await bob.the("message").inputValue(), "typed at home\ntyped in Tea at five\ntyped in Tea at six");
});

story("what couldn't be read of a room is read when one looks again", {
  expected: [/^error: Failed to load resource: .* 503 /],
}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await ann.page.route("**/rooms/*/messages", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      json: { type: "urn:problem-type:unavailable", title: "Not now", status: 503 },
    }), { times: 1 });
  const refused = ann.page.waitForResponse((response) => response.status() === 503);
  await ann.registers("ann");
  await refused;
  await ann.the("look").click();
  await ann.page.getByText("Nothing was said here yet.").waitFor();
});

/** What an owner can do, but not on the page. */
async function asOwner({ origin }, username) {
  const ask = async (method, path, { token, body } = {}) => {
    const headers = { ...(body && { "content-type": "application/json" }), ...(token && { authorization: `Bearer ${token}` }) };
    const response = await fetch(`${origin}${path}`, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.status === 204 ? undefined : response.json();
  };
  const { access_token: token } = await ask("POST", "/auth/login", { body: { username, password: PASSWORD } });
  const { rooms } = await ask("GET", "/rooms", { token });
  return async (member, title) => {
    const { room } = rooms.find((one) => one.title === title);
    await ask("DELETE", `/rooms/${room}/members/${member}`, { token });
  };
}
