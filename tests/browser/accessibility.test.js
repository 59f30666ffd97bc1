// axe-core finds nothing to complain about, on the page and in the reference.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { story } from "./stage.js";
import { everyState, expected } from "./states.js";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What is wrong with the page, as it is seen now; but for those rules. */
async function violations(page, except = []) {
  await page.evaluate(axe);
  const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
  const { violations, passes } = await page.evaluate((options) => globalThis.axe.run(options), { rules });
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

/**
 * What Swagger UI does by itself: buttons, fields and choices without a name, a
 * link in the button that unfolds an operation, and a button that is called
 * otherwise than it says. No style sheet of ours can mend elements that it makes.
 */
const SWAGGER_UI = ["button-name", "label", "select-name", "nested-interactive", "label-content-name-mismatch"];

for (const colorScheme of ["light", "dark"]) {
  story(`the reference keeps nobody out: ${colorScheme}`, { expected: [/^error: Failed to load resource: .* 401 /] }, async (stage) => {
    const page = await (await stage.profile({ colorScheme })).newPage();
    await page.goto("/docs");
    await page.locator(".opblock").first().waitFor();
    assert.deepEqual(await violations(page, SWAGGER_UI), [], "as it opens");
    await page.locator(".opblock-summary-path[data-path='/auth/login']").click();
    await page.locator("button.execute").click();
    await page.locator(".live-responses-table").waitFor();
    assert.deepEqual(await violations(page, SWAGGER_UI), [], "an operation that was tried");
    await page.locator(".auth-wrapper .btn.authorize").click();
    await page.locator(".dialog-ux .auth-container").first().waitFor();
    assert.deepEqual(await violations(page, SWAGGER_UI), [], "a token is asked for");
  });
}
