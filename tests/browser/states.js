// What the page can show.

import { Person } from "./person.js";

/** A word that is wider than any screen. */
const LONG = `I do: ${"cake".repeat(60)}`;

/** What Chromium says of the name that is taken. */
export const expected = [/^error: Failed to load resource: .* 409 /];

/** Everything that the page can show, one after the other. */
export async function everyState(stage, options, look) {
  const ann = await Person.opens(await stage.profile(options));
  const bob = await Person.opens(await stage.profile());
  await bob.registers("bob");
  await look(ann, "signed out");
  await ann.fillIn("bob");
  await ann.the("register").click();
  await ann.isTold(/taken/);
  await look(ann, "a mistake");
  await ann.registers("ann");
  await look(ann, "signed in");
  await ann.makesRoom("Tea at five");
  await ann.adds("bob");
  await bob.goesTo("Tea at five");
  await bob.says("Who brings cake?");
  await ann.hears("Who brings cake?");
  await ann.says(LONG);
  await ann.hears(LONG);
  await ann.sees(2);
  await look(ann, "talking");
}
