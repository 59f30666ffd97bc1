// axe-core finds nothing to complain about, and a phone is wide enough.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Person } from "./person.js";
import { story } from "./stage.js";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What is wrong with the page, as it is seen now. */
async function violations({ page }) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
}

/** Everything that the page can show, one after the other. */
async function everyState(stage, options, look) {
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
  await ann.says(`I do: ${"cake".repeat(60)}`);
  await ann.hears(`I do: ${"cake".repeat(60)}`);
  await ann.sees(2);
  await look(ann, "talking");
}

const taken = [/^error: Failed to load resource: .* 409 /];

for (const colorScheme of ["light", "dark"]) {
  story(`nothing keeps anybody out: ${colorScheme}`, { expected: taken }, (stage) =>
    everyState(stage, { colorScheme }, async (ann, state) => {
      assert.deepEqual(await violations(ann), [], state);
      await stage.photograph(ann.page, `${state} ${colorScheme}`);
    }));
}

for (const colorScheme of ["light", "dark"]) {
  const phone = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, colorScheme };
  story(`on a phone nothing is wider than the screen: ${colorScheme}`, { expected: taken }, (stage) =>
    everyState(stage, phone, async (ann, state) => {
      const { width, beyond } = await ann.page.evaluate(() => {
        const root = document.scrollingElement;
        const outside = (element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1;
        return {
          width: [root.scrollWidth, innerWidth],
          beyond: [...document.querySelectorAll("button, input, textarea, select, summary")].filter(outside).map(({ outerHTML }) => outerHTML),
        };
      });
      assert.deepEqual(width, [360, 360], state);
      assert.deepEqual(beyond, [], state);
      assert.deepEqual(await violations(ann), [], state);
      await stage.photograph(ann.page, `phone ${state} ${colorScheme}`);
    }));
}
