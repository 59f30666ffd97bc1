// Tokens end: some are renewed, some are taken away.

import assert from "node:assert/strict";
import { Person } from "./person.js";
import { story } from "./stage.js";

/** The claims of an access token. */
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const is = (path) => (response) => new URL(response.url()).pathname === path && response.ok();

story("a token that ends is renewed on the open connection", {
  env: { APP__TOKENS__ACCESS_TTL: "6s", APP__TOKENS__LEEWAY: "0s" },
}, async (stage) => {
  const profile = await stage.profile();
  const one = await Person.opens(profile);
  const login = one.page.waitForResponse(is("/auth/login"));
  await one.registers("ann");
  const { exp } = claims((await (await login).json()).access_token);
  const two = await Person.opens(profile);
  await two.isConnected();

  const said = [];
  while (Date.now() < exp * 1000 || said.length < 2) {
    await one.page.waitForResponse(is("/auth/refresh"));
    said.push(`with token ${said.length + 1}`);
    await one.says(said.at(-1));
    await two.hears(said.at(-1));
  }
  for (const tab of [one, two]) {
    await tab.heardJust(said);
    assert.equal(tab.sockets, 1, "it is the first connection still");
    assert.ok(tab.sent.some(({ type }) => type === "auth"), "the new token went through it");
    assert.match(await tab.the("token-left").innerText(), /\d:\d\d/);
  }
});

story("who is signed out from another place is told so, and loses nothing that was typed", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const home = await stage.profile();
  const one = await Person.opens(home);
  await one.registers("ann");
  const tab = await Person.opens(home);
  await tab.isConnected();
  const away = await Person.opens(await stage.profile());
  await away.signsIn("ann");
  await away.the("message").fill("not said yet");

  await one.the("sign-out-everywhere").click();
  await one.the("sign-in").waitFor();
  // What another tab wrote and what the service says race each other.
  await tab.isTold(/signed out (in another tab|from another place)/i);
  await away.isTold(/signed out from another place/i);
  await stage.photograph(away.page, "signed out elsewhere");
  for (const person of [one, tab, away]) assert.ok(await person.the("username").isVisible());

  await away.signsIn("ann");
  assert.equal(await away.the("message").inputValue(), "not said yet");
});

story("who is signed out while a message is under way is told why, and has it still", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const one = await Person.opens(await stage.profile());
  await one.registers("ann");
  const profile = await stage.profile();
  // What is said there never arrives.
  await profile.routeWebSocket(/\/ws$/, (socket) => {
    const service = socket.connectToServer();
    socket.onMessage((frame) => JSON.parse(frame).type === "publish" || service.send(frame));
  });
  const away = await Person.opens(profile);
  await away.signsIn("ann");
  await away.says("under way");
  await away.the("messages").locator("[data-state=sending]").waitFor();

  await one.the("sign-out-everywhere").click();
  await away.the("sign-in").waitFor();
  await away.isTold(/signed out from another place/i);
  await away.signsIn("ann");
  assert.equal(await away.the("message").inputValue(), "under way");
});
