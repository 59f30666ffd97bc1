// Signing in and out, by people who are quick and services that are slow.

import assert from "node:assert/strict";
import { PASSWORD, Person } from "./person.js";
import { story } from "./stage.js";

story("two tabs that sign in at once end up in one session, each with one connection", {}, async (stage) => {
  const profile = await stage.profile();
  const one = await Person.opens(profile);
  const two = await Person.opens(profile);
  await (await Person.opens(await stage.profile())).registers("ann");

  const held = await one.holds("/auth/login");
  await one.fillIn("ann");
  await one.the("sign-in").click();
  await one.page.locator("#sign-in-form[aria-busy=true]").waitFor();
  await two.signsIn("ann");
  assert.equal(one.sockets, 0, "who signs in somewhere is not taken elsewhere");
  const moved = two.page.waitForEvent("websocket");
  held.release();
  await moved;
  for (const tab of [one, two]) await tab.isConnected();

  await one.says("from one");
  await two.hears("from one");
  await two.says("from two");
  for (const tab of [one, two]) await tab.heardJust(["from one", "from two"]);
  assert.equal(one.sockets, 1);
  assert.equal((await one.the("alert").innerText()).trim(), "");
});

story("a tab whose sign-in fails follows the one whose sign-in does not", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const profile = await stage.profile();
  const one = await Person.opens(profile);
  const two = await Person.opens(profile);
  await (await Person.opens(await stage.profile())).registers("ann");

  const held = await one.holds("/auth/login");
  await one.fillIn("ann", `not ${PASSWORD}`);
  await one.the("sign-in").click();
  await one.page.locator("#sign-in-form[aria-busy=true]").waitFor();
  await two.signsIn("ann");
  held.release();
  await one.isConnected();
});

story("nothing that was typed is left for who signs in next, and no password is shown", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const profile = await stage.profile();
  const one = await Person.opens(profile);
  const two = await Person.opens(profile);
  await two.fillIn("somebody");
  await two.page.getByRole("button", { name: "Show" }).click();
  await one.registers("ann");
  await two.isConnected();
  await two.the("new-room").click();
  await two.the("new-room-title").fill("a secret plan");
  await two.the("sign-out").click();

  await two.the("password").waitFor();
  assert.equal(await two.the("password").inputValue(), "");
  assert.equal(await two.the("password").getAttribute("type"), "password");
  await two.registers("bob");
  await two.the("new-room").click();
  assert.equal(await two.the("new-room-title").inputValue(), "");
});

story("a sign-out that gets no answer says that it is under way, and then what came of it", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await ann.registers("ann");
  const held = await ann.holds("/auth/logout");
  await ann.the("sign-out").click();
  await ann.page.getByRole("status").filter({ hasText: "Signing out…" }).waitFor();
  await ann.the("sign-out").and(ann.page.locator("[aria-busy=true]")).waitFor();
  await ann.isTold(/signed out in this browser.*couldn't be told/);
  held.release();

  // Nothing of it is left at the next sign-in.
  await ann.signsIn("ann");
  assert.equal(await ann.the("sign-out").getAttribute("aria-busy"), "false");
});

story("signing out everywhere with a session that has ended claims nothing", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await ann.registers("ann");
  await ann.page.route(/\/auth\/(logout|refresh)/, (route) =>
    route.fulfill({
      status: 401,
      contentType: "application/problem+json",
      json: { type: `urn:problem-type:${route.request().url().includes("refresh") ? "invalid-refresh-token" : "invalid-token"}`, title: "No", status: 401 },
    }));
  await ann.the("sign-out-everywhere").click();
  await ann.isTold(/nothing was ended anywhere else/);
  assert.ok(await ann.the("sign-in").isVisible());
});
