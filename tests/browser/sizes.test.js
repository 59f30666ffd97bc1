// Large and small screens.

import assert from "node:assert/strict";
import { Person } from "./person.js";
import { story } from "./stage.js";
import { everyState, expected } from "./states.js";

const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** All of it is on the screen, and nothing is in front of it. */
async function isSeen(person, part) {
  const { x, y, width, height } = await part.boundingBox();
  const screen = person.page.viewportSize();
  assert.ok(x >= 0 && y >= 0 && x + width <= screen.width && y + height <= screen.height, `${part} is at ${[x, y, width, height]}`);
  const inFront = await part.evaluate((element, points) =>
    points.map(([left, top]) => document.elementFromPoint(left, top)).filter((other) => !element.contains(other)).map(({ outerHTML }) => outerHTML),
  [0.05, 0.5, 0.95].map((across) => [x + across * width, y + height / 2]));
  assert.deepEqual(inFront, [], `in front of ${part}`);
}

story("on a phone nothing is wider than the screen, and where one writes is seen", { expected }, (stage) =>
  everyState(stage, phone, async (ann, state) => {
    const { width, beyond } = await ann.page.evaluate(() => {
      const outside = (element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1;
      const parts = [...document.querySelectorAll("button, input, textarea, select, summary, [data-testid=text]")];
      return { width: [document.scrollingElement.scrollWidth, innerWidth], beyond: parts.filter(outside).map(({ outerHTML }) => outerHTML) };
    });
    assert.deepEqual(width, [360, 360], state);
    assert.deepEqual(beyond, [], state);
    const parts = (await ann.the("message").isVisible()) ? ["message", "send", "connection"] : ["username", "password", "sign-in", "register"];
    for (const part of parts) await isSeen(ann, ann.the(part));
  }));

story("on a phone one sees which room one is in, and all that is asked of whom to add", {}, async (stage) => {
  const ann = await Person.opens(await stage.profile(phone));
  await ann.registers("ann");
  for (const title of ["Tea at five", "Tea at six, when there is more time", "Tea at seven"]) {
    await ann.makesRoom(title);
    await isSeen(ann, ann.the("rooms").locator("[aria-current]"));
    for (const part of ["add-name", "add-role", "add", "message", "send"]) await isSeen(ann, ann.the(part));
  }
  await stage.photograph(ann.page, "whom to add");
});

for (const [screen, options] of Object.entries({ screen: {}, phone })) {
  story(`in a long talk the newest is seen, and where one writes: ${screen}`, {}, async (stage) => {
    const ann = await Person.opens(await stage.profile(options));
    const bob = await Person.opens(await stage.profile());
    await ann.registers("ann");
    await bob.registers("bob");
    await ann.makesRoom("Tea at five");
    await ann.adds("bob");
    await bob.goesTo("Tea at five");
    for (let number = 1; number <= 30; number += 1) await [ann, bob][number % 2].says(`number ${number}`);
    await ann.hears("number 29", "number 30");
    const newest = ann.message("number 30").getByTestId("text");
    for (const part of [newest, ann.the("message"), ann.the("send"), ann.the("connection")]) await isSeen(ann, part);
    const astray = await ann.the("messages").locator("li[data-seq]").evaluateAll((items) =>
      items.filter((item) => {
        const [whole, ...parts] = [item, ...item.querySelectorAll("*")].filter((element) => element.checkVisibility()).map((element) => element.getBoundingClientRect());
        return parts.some(({ top, bottom }) => top < whole.top - 1 || bottom > whole.bottom + 1);
      }).map(({ outerHTML }) => outerHTML));
    assert.deepEqual(astray, [], "what belongs to a message stands with it");
    await stage.photograph(ann.page, `a long talk ${screen}`);
  });
}
