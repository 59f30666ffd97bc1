// Everything can be done without a mouse.

import assert from "node:assert/strict";
import { PASSWORD, Person } from "./person.js";
import { story } from "./stage.js";

/** Presses Tab until that part is focused, and sees at each step where one is. */
async function tabTo(person, name) {
  const { page } = person;
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const [reached, seen] = await page.evaluate((wanted) => {
      const focused = document.activeElement;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(focused);
      const ringed = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
      return [focused.dataset.testid === wanted, focused === document.body || ringed || focused.outerHTML.slice(0, 100)];
    }, name);
    assert.equal(seen, true, "the focus can be seen");
    if (reached) return;
  }
  assert.fail(`${name} can't be reached with Tab`);
}

story("registering, talking and signing out with the keyboard alone", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  const { keyboard } = ann.page;
  await ann.the("username").and(ann.page.locator(":focus")).waitFor();
  await keyboard.type("ann");
  await tabTo(ann, "password");
  await keyboard.type(PASSWORD);
  await tabTo(ann, "register");
  await keyboard.press("Enter");
  await ann.isConnected();

  await ann.the("message").and(ann.page.locator(":focus")).waitFor();
  await keyboard.type("by hand");
  await keyboard.press("Enter");
  await ann.hears("by hand");
  await keyboard.type("two");
  await keyboard.press("Shift+Enter");
  await keyboard.type("lines");
  await keyboard.press("Enter");
  await ann.hears("two\nlines");
  await stage.photograph(ann.page, "keyboard");

  await tabTo(ann, "new-room");
  await keyboard.press("Enter");
  await ann.the("new-room-title").and(ann.page.locator(":focus")).waitFor();
  await keyboard.type("Tea at five");
  await keyboard.press("Enter");
  await ann.isIn("Tea at five");
  await ann.the("add-name").and(ann.page.locator(":focus")).waitFor();
  await keyboard.press("Escape");
  await ann.the("add-person").and(ann.page.locator(":focus")).waitFor();
  assert.equal(await ann.the("add-name").isVisible(), false);

  await tabTo(ann, "sign-out");
  await keyboard.press("Enter");
  await ann.the("username").and(ann.page.locator(":focus")).waitFor();
});
