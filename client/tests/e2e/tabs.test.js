// Tabs of one user share a session whose refresh token is good for once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Service } from "./processes.js";
import { inChromium } from "./stage.js";

test("tabs that need a token at the same time refresh one after the other", { timeout: 120_000 }, async (t) => {
  const { origin, actor } = await inChromium(t);
  // Not a second's grace: a refresh token that is sent twice ends the session.
  const service = await Service.start(t, { ALLOWED_ORIGINS: origin, APP__TOKENS__REFRESH_GRACE: "0s" });
  // Impatient ones refresh whenever they are asked for a token.
  const options = { service: service.address, username: "ann", profile: "ann", patient: false };
  const tabs = await Promise.all([1, 2, 3].map(() => actor(options)));
  await tabs[0].register();
  const room = await tabs[0].signIn();
  await Promise.all(tabs.map((tab) => tab.connect()));
  for (const tab of tabs) await tab.join(room);
  await Promise.all(tabs.map((tab) => tab.untilTold("joined", 1)));
  let rounds = 0;
  for (let going = true; going; rounds += 1) {
    await Promise.all(tabs.map((tab) => tab.wake()));
    await Promise.all(tabs.map((tab, index) => tab.say(room, `tab ${index} round ${rounds}`)));
    const fetched = (await Promise.all(tabs.map((tab) => tab.state()))).map(({ tokens }) => tokens.filter((why) => why === "wake").length);
    going = fetched.some((count) => count < 10);
  }
  await Promise.all(tabs.map((tab) => tab.untilHeard({ [room]: 3 * rounds })));
  for (const tab of tabs) {
    const { told } = await tab.state();
    assert.deepEqual(told, ["open", `joined ${room}`]);
  }
});
