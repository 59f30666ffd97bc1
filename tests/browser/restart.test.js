// The service is restarted while people talk.

import assert from "node:assert/strict";
import { Person } from "./person.js";
import { story } from "./stage.js";

story("through a restart the page goes on by itself, and nothing is lost or said twice", {
  expected: [/ERR_CONNECTION_REFUSED/],
}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  const bob = await Person.opens(await stage.profile());
  await ann.registers("ann");
  await bob.registers("bob");
  await ann.makesRoom("Tea at five");
  await ann.adds("bob");
  await bob.goesTo("Tea at five");
  await ann.says("before");
  await bob.hears("before");

  await stage.service.stop("SIGTERM");
  for (const person of [ann, bob]) {
    await person.connection("waiting", "connecting");
    await person.the("lost").filter({ hasText: /sent when the connection is back/ }).waitFor();
  }
  await ann.says("said while it was away");
  await bob.says("said while it was away, too");
  await bob.the("message").fill("half a sen");
  await stage.photograph(ann.page, "reconnecting");
  await stage.service.start();

  for (const person of [ann, bob]) {
    await person.isConnected();
    await person.the("lost").waitFor({ state: "hidden" });
    await person.hears("said while it was away", "said while it was away, too");
  }
  assert.equal(await bob.the("message").inputValue(), "half a sen");
  await bob.says("half a sentence");
  await ann.says("after");
  for (const person of [ann, bob]) {
    await person.heardJust(["before", "said while it was away", "said while it was away, too", "half a sentence", "after"]);
  }
  await stage.photograph(ann.page, "resumed");
});
