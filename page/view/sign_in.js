// The form of those who are not signed in: one name, one password, two buttons.

import { explain } from "../problems.js";
import { calm, tell } from "./alert.js";
import { $, set } from "./dom.js";

/**
 * @param {import("../session.js").Session} session
 * @param {() => void} done somebody is signed in
 */
export function start(session, done) {
  const form = $("sign-in-form");
  const [username, password] = [$("username"), $("password")];

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const registering = event.submitter === $("register");
    if (form.getAttribute("aria-busy") !== "true") submit(registering);
  });
  form.addEventListener("input", ({ target }) => set(target, "aria-invalid", false));
  $("reveal").addEventListener("click", () => {
    const shown = password.type === "text";
    password.type = shown ? "password" : "text";
    set($("reveal"), "aria-pressed", String(!shown));
  });

  async function submit(registering) {
    calm();
    const name = username.value.trim();
    if (!name) return wrong(username, "Type a name.");
    if (!password.value) return wrong(password, "Type a password.");
    busy(true, registering);
    try {
      if (registering) await session.register(name, password.value);
      await session.signIn(name, password.value);
      password.value = "";
      done();
    } catch (error) {
      wrong(blamed(error), explain(error, { name }));
    } finally {
      busy(false, registering);
    }
  }

  function wrong(field, text) {
    tell(text);
    if (!field) return;
    set(field, "aria-invalid", "true");
    field.focus();
  }

  /** The field to look at again, if it is one of them. */
  function blamed({ kind }) {
    if (kind === "name-taken" || kind === "invalid-username") return username;
    if (kind === "invalid-password" || kind === "invalid-credentials") return password;
    return undefined;
  }

  // Not disabled, which would lose the focus.
  function busy(is, registering) {
    set(form, "aria-busy", String(is));
    set(registering ? $("register") : $("sign-in"), "data-busy", is);
  }
}
