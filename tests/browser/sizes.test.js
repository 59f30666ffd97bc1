// Large and small screens.

import assert from "node:assert/strict";
import { Person } from "./person.js";
import { story } from "./stage.js";
import { everyState, expected } from "./states.js";

const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

/** All of it is on the screen. */
async function isSeen(person, part) {
  const { x, y, width, height } = await part.boundingBox();
  const screen = person.page.viewportSize();
  assert.ok(x >= 0 && y >= 0 && x + width <= screen.width && y + height <= screen.height, `${part} is at ${[x, y, width, height]}`);
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

for (const [screen, options] of Object.entries({ screen: {}, phone })) {
  story(`in a long talk the newest is seen, and where one writes: ${screen}`, {}, async (stage) => {
    const ann = await Person.opens(await stage.profile(options));
    await ann.registers("ann");
    for (let number = 1; number <= 30; number += 1) await ann.says(`number ${number}`);
    await ann.hears("number 30");
    for (const part of [ann.message("number 30"), ann.the("message"), ann.the("send"), ann.the("connection")]) await isSeen(ann, part);
    await stage.photograph(ann.page, `a long talk ${screen}`);
  });
}
