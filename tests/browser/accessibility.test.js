// axe-core finds nothing to complain about.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { story } from "./stage.js";
import { everyState, expected } from "./states.js";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What is wrong with the page, as it is seen now. */
async function violations(page) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  assert.ok(passes.length > 10, "it has looked");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
}

const screens = {
  screen: {},
  phone: { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true },
};

for (const [screen, options] of Object.entries(screens)) {
  for (const colorScheme of ["light", "dark"]) {
    story(`nothing keeps anybody out: ${screen}, ${colorScheme}`, { expected }, (stage) =>
      everyState(stage, { ...options, colorScheme }, async ({ page }, state) => {
        await stage.photograph(page, `${screen} ${colorScheme} ${state}`);
        assert.deepEqual(await violations(page), [], state);
      }));
  }
}
