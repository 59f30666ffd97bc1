// People talk, and everybody hears everything once.

import assert from "node:assert/strict";
import { Person } from "./person.js";
import { story } from "./stage.js";

story("two tabs of one person hear each other", {}, async (stage) => {
  const profile = await stage.profile();
  const one = await Person.opens(profile);
  await one.registers("ann");
  // The browser is signed in: so is the next tab.
  const two = await Person.opens(profile);
  await two.isConnected();

  await one.says("from the first tab");
  await two.hears("from the first tab");
  await two.says("from the second tab");
  await one.hears("from the second tab");
  await one.says("<b>once</b> & for all");
  for (const tab of [one, two]) {
    await tab.heardJust(["from the first tab", "from the second tab", "<b>once</b> & for all"]);
    assert.match(await tab.the("people").innerText(), /ann/);
  }
  await stage.photograph(two.page, "two tabs");

  await one.page.reload();
  await one.heardJust(["from the first tab", "from the second tab", "<b>once</b> & for all"]);
});

story("two people in a room that one of them made hear each other, and see who is there", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  const bob = await Person.opens(await stage.profile({ colorScheme: "dark" }));
  await ann.registers("ann");
  await bob.registers("bob");
  await ann.makesRoom("Tea at five");
  await ann.adds("bob");
  await bob.goesTo("Tea at five");
  await ann.sees(2);
  await bob.sees(2);

  await ann.says("Who brings cake?");
  await bob.hears("Who brings cake?");
  await bob.says("I do");
  await ann.hears("I do");
  for (const person of [ann, bob]) {
    await person.heardJust(["Who brings cake?", "I do"]);
    assert.match(await person.the("people").innerText(), /ann[^]*bob|bob[^]*ann/);
  }
  await stage.photograph(ann.page, "a room");
  await stage.photograph(bob.page, "a room dark");

  await bob.page.close();
  await ann.the("people").locator("[data-here=false]").filter({ hasText: "bob" }).waitFor();
  await stage.photograph(ann.page, "somebody left");
});
