// The form of those who are not signed in: one name, one password, two buttons;
// and a code, once the service has asked for one.

import { explain } from "../problems.js";
import { calm, tell } from "./alert.js";
import { $, busy, isBusy, set } from "./dom.js";

/**
 * @param {import("../session.js").Session} session
 * @param {() => void} done somebody is signed in
 * @param {() => void} idle an attempt is over, however it ended
 */
export function start(session, done, idle) {
  const form = $("sign-in-form");
  const [username, password, code] = [$("username"), $("password"), $("code")];

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const registering = event.submitter === $("register");
    if (!isBusy(form)) submit(registering);
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
    const button = registering ? $("register") : $("sign-in");
    busy(form, button, true);
    try {
      if (registering) await session.register(name, password.value);
      await session.signIn(name, password.value, code.value.trim());
      done();
    } catch (error) {
      if (error.kind === "second-factor-required") $("code-field").hidden = false;
      wrong(blamed(error), explain(error, { name }));
    } finally {
      busy(form, button, false);
      idle();
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
    if (kind === "second-factor-required" || kind === "invalid-second-factor") return code;
    return undefined;
  }
}

/** Whoever comes next finds no password here, and no code. */
export function clear() {
  $("code").value = "";
  $("code-field").hidden = true;
  const password = $("password");
  password.value = "";
  password.type = "password";
  set($("reveal"), "aria-pressed", "false");
}

/** Whether somebody is signing in just now. */
export const signingIn = () => isBusy($("sign-in-form"));
