// What goes wrong is said in words that a person can act on.

import assert from "node:assert/strict";
import { PASSWORD, Person } from "./person.js";
import { story } from "./stage.js";

story("a name that is taken, a weak password, a wrong one, too many tries", {
  expected: [/^error: Failed to load resource: .* (400|401|409|503) /],
}, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await ann.registers("ann");
  const bob = await Person.opens(await stage.profile());

  const tries = async (button, username, password, words) => {
    await bob.fillIn(username, password);
    await bob.the(button).click();
    await bob.isTold(words);
    assert.equal(await bob.the("username").inputValue(), username, "what was typed stays");
  };
  await tries("register", "ann", PASSWORD, /ann.* is taken/);
  await stage.photograph(bob.page, "name taken");
  await tries("register", "bob", "password1", /too easy to guess/);
  await tries("register", "bob", "short", /longer password/);
  await tries("sign-in", "ann", "not-the-password-91", /name or the password is wrong/);
  await tries("sign-in", "nobody", PASSWORD, /name or the password is wrong/);
  await tries("register", "b b", PASSWORD, /name can't be used/);

  await bob.page.route("**/auth/login", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      headers: { "retry-after": "3" },
      json: { type: "urn:problem-type:busy", title: "Too many sign-ins at once", status: 503 },
    }), { times: 1 });
  await tries("sign-in", "ann", PASSWORD, /in 3 seconds/);

  await bob.the("sign-in").click();
  await bob.isConnected();
  assert.equal((await bob.the("alert").innerText()).trim(), "");
});

story("a service that can't be reached", { expected: [/ERR_CONNECTION_REFUSED/] }, async (stage) => {
  const ann = await Person.opens(await stage.profile());
  await stage.service.stop("SIGTERM");
  await ann.fillIn("ann");
  await ann.the("register").click();
  await ann.isTold(/can't be reached/);
  await stage.photograph(ann.page, "unreachable");
  await stage.service.start();
  await ann.the("register").click();
  await ann.isConnected();
});
