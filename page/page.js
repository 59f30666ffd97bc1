// The page at /: who is signed in decides what it shows.

import { Home } from "./home.js";
import { explain, ENDED, NOTHING_ENDED } from "./problems.js";
import { Ended, Session } from "./session.js";
import * as stored from "./stored.js";
import * as alert from "./view/alert.js";
import * as composer from "./view/composer.js";
import { $, busy, isBusy } from "./view/dom.js";
import * as messages from "./view/messages.js";
import * as roomList from "./view/rooms.js";
import * as signIn from "./view/sign_in.js";

const PATIENCE = [1, 2, 4, 8, 15]; // seconds between attempts to go on

const session = new Session();
/** @type {Home | undefined} */
let home;
/** What was typed and not said when a session ended, by user. @type {Map<string, Map<string, string>>} */
const unsent = new Map();

function show(view) {
  for (const id of ["loading", "welcome", "home"]) $(id).hidden = id !== view;
}

function welcome(why = "") {
  home = undefined;
  show("welcome");
  document.title = "Rooms";
  if (why) alert.tell(why);
  $("username").focus();
}

function enter() {
  const { id } = session.account;
  home?.stop();
  signIn.clear();
  show("home");
  home = new Home(session, unsent.get(id) ?? new Map(), (why, kept) => {
    unsent.set(id, kept);
    session.forget();
    welcome(why);
  });
  unsent.delete(id);
  alert.announce(`Signed in as ${session.account.username}.`);
  composer.focus();
}

/** Goes on with the session that this browser keeps, if it keeps one. */
async function resume() {
  if (!stored.read()) return welcome();
  show("loading");
  for (let attempt = 0; ; attempt += 1) {
    try {
      await session.resume();
      alert.calm();
      return enter();
    } catch (error) {
      if (error instanceof Ended) return welcome(ENDED);
      if (error.status < 500) return welcome(explain(error));
      const seconds = PATIENCE[Math.min(attempt, PATIENCE.length - 1)];
      alert.tell(`${explain(error)} It is tried again by itself.`);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

/** Another tab has signed in, or out, or somebody else in. */
function follow() {
  // Who is signing in here goes first, and then it is looked at again.
  if (home?.leaving || signIn.signingIn()) return;
  const now = stored.read()?.session;
  if (home && now !== session.account.session) {
    home.end("You signed out in another tab.");
    if (now) resume();
  } else if (!home && now && !$("welcome").hidden) resume();
}

async function signOut(everywhere) {
  const leaving = home;
  if (!leaving || leaving.leaving) return;
  leaving.leaving = true;
  const button = $(everywhere ? "sign-out-everywhere" : "sign-out");
  busy(button, button, true);
  alert.calm();
  alert.announce("Signing out…");
  let why = "";
  try {
    await session.signOut(everywhere);
  } catch (error) {
    if (everywhere) {
      if (error instanceof Ended) return leaving.end(NOTHING_ENDED);
      leaving.stay();
      return alert.tell(`You are still signed in. ${explain(error)}`);
    }
    // Whoever leaves this machine wants the tokens gone from it in any case.
    session.forget();
    why = "You are signed out in this browser. The service couldn't be told, so there the session lasts until it ends by itself.";
  } finally {
    busy(button, button, false);
  }
  leaving.stop();
  document.querySelectorAll(".fold form").forEach((form) => form.reset());
  welcome(why);
  alert.announce(everywhere ? "You are signed out everywhere." : "You are signed out.");
}

session.ended = () => home?.leaving || home?.end(ENDED);
alert.start();
messages.start();
roomList.start();
signIn.start(session, enter, follow);
composer.start((text) => home?.send(text), (text) => home?.typed(text));
$("sign-out").addEventListener("click", () => signOut(false));
$("sign-out-everywhere").addEventListener("click", () => signOut(true));
$("try-now").addEventListener("click", () => home?.tryNow());
$("look").addEventListener("click", () => home?.look());
ask($("new-room"), $("new-room-title"), (title) => home?.create(title), () => ($("add-person").open = true));
ask($("add-person"), $("add-name"), (name) => home?.addPerson(name, $("add-role").value), composer.focus);
stored.watch(follow);
resume();

/**
 * A small form that is folded away: what was typed stays until it is done.
 * @param {HTMLDetailsElement} details
 * @param {HTMLInputElement} field
 * @param {(text: string) => Promise<boolean> | undefined} action
 * @param {() => void} then what is next, once it is done
 */
function ask(details, field, action, then) {
  const form = details.querySelector("form");
  details.addEventListener("toggle", () => details.open && field.focus());
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (isBusy(form)) return;
    if (!text) return field.focus();
    busy(form, event.submitter, true);
    const done = await action(text);
    busy(form, event.submitter, false);
    if (!done) return field.focus();
    field.value = "";
    details.open = false;
    then();
  });
}
