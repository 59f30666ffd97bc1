// The API reference shows every operation, and lets one try them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { story } from "./stage.js";

const committed = JSON.parse(await readFile(new URL("../../openapi/openapi.json", import.meta.url), "utf8"));
const METHODS = ["get", "put", "post", "delete"];
const operations = Object.entries(committed.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => method in item).map((method) => `${method} ${path}`),
);

/** An operation's part of the page. */
function operation(page, method, path) {
  const block = page.locator(`.opblock-${method}`).filter({ has: page.locator(`.opblock-summary-path[data-path="${path}"]`) });
  return {
    open: () => block.locator(".opblock-summary-control").click(),
    write: (body) => block.locator("textarea.body-param__text").fill(JSON.stringify(body)),
    /** Tries it; the answer's status and body. */
    async execute() {
      const answered = page.waitForResponse((response) => new URL(response.url()).pathname === path && response.request().method() === method.toUpperCase());
      await block.locator("button.execute").click();
      const status = (await answered).status();
      // Until the answer is shown, the one before it is.
      const answer = block.locator(".live-responses-table tr.response").filter({ has: page.locator(".response-col_status", { hasText: String(status) }) });
      return { status, body: await answer.locator(".response-col_description").innerText() };
    },
  };
}

const account = { username: "ann", password: "plum-tractor-91-violin" };

story("the reference shows the operations, and tries one that anybody may and one for who is signed in", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const page = await (await stage.profile()).newPage();
  await page.goto("/docs");
  await page.locator(".opblock").nth(operations.length - 1).waitFor();
  const shown = await page.locator(".opblock").evaluateAll((blocks) =>
    blocks.map((block) => {
      const path = block.querySelector(".opblock-summary-path").dataset.path;
      return `${block.querySelector(".opblock-summary-method").textContent.toLowerCase()} ${path}`;
    }),
  );
  assert.deepEqual(shown.toSorted(), operations.toSorted());
  await stage.photograph(page, "docs");

  const me = operation(page, "get", "/auth/me");
  await me.open();
  assert.equal((await me.execute()).status, 401);

  const register = operation(page, "post", "/auth/register");
  await register.open();
  await register.write(account);
  assert.equal((await register.execute()).status, 201);
  const login = operation(page, "post", "/auth/login");
  await login.open();
  await login.write(account);
  assert.equal((await login.execute()).status, 200);

  await page.locator(".auth-wrapper .btn.authorize.locked").waitFor();
  const answer = await me.execute();
  assert.equal(answer.status, 200);
  assert.match(answer.body, /"username": "ann"/);
  await stage.photograph(page, "docs tried");
});

story("a token can be given to the reference by hand, and it goes with the page", {
  expected: [/^error: Failed to load resource: .* 401 /],
}, async (stage) => {
  const post = (path) =>
    fetch(`${stage.origin}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(account) });
  await post("/auth/register");
  const { access_token: token } = await (await post("/auth/login")).json();

  const page = await (await stage.profile({ colorScheme: "dark" })).newPage();
  await page.goto("/docs");
  await page.locator(".auth-wrapper .btn.authorize").click();
  const dialog = page.locator(".dialog-ux");
  const bearer = dialog.locator(".auth-container").filter({ has: page.locator("h4 code", { hasText: /^bearer$/ }) });
  await bearer.getByRole("textbox").fill(token);
  await bearer.locator("button.authorize").click();
  await bearer.locator("button.btn-done").click();
  const me = operation(page, "get", "/auth/me");
  await me.open();
  assert.equal((await me.execute()).status, 200);
  await stage.photograph(page, "docs dark");

  // The address says which operation is open.
  await page.reload();
  assert.equal((await me.execute()).status, 401);
});
