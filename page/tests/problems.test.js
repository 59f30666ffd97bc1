import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, Unreachable } from "../api.js";
import { Ended } from "../session.js";
import { ENDED, explain, explainEnd, explainLoss } from "../problems.js";

const problem = (status, kind, { detail, retryAfter, title = "A title" } = {}) =>
  new ApiError(status, { type: `urn:problem-type:${kind}`, title, detail }, retryAfter);

test("a problem becomes what a person can act on", () => {
  for (const [error, doing, text] of [
    [problem(409, "name-taken"), { name: "ann" }, "The name “ann” is taken. Choose another one, or sign in if it is yours."],
    [problem(400, "invalid-password", { detail: "a password has at least 8 bytes" }), {}, "Choose a longer password: at least 8 characters."],
    [problem(400, "invalid-password", { detail: "a password has at most 1024 bytes" }), {}, "Choose a shorter password: 1024 characters at most, fewer if some are not plain letters."],
    [problem(400, "invalid-password", { detail: "the password is too easy to guess: This is a top-10 common password. Add another word or two." }), {},
      "That password is too easy to guess. This is a top-10 common password. Add another word or two."],
    [problem(400, "invalid-password", { detail: "the password is too easy to guess" }), {}, "That password is too easy to guess. Add a few uncommon words."],
    [problem(400, "invalid-username", { detail: "a username has 1 to 64 characters" }), {}, "That name can't be used: a username has 1 to 64 characters."],
    [problem(401, "invalid-credentials"), {}, "The name or the password is wrong. Check both, or create an account if you have none."],
    [problem(401, "second-factor-required"), {}, "Type the code that your authenticator app shows."],
    [problem(401, "invalid-second-factor"), {}, "That code is wrong, or was used before. Wait for the next one."],
    [problem(503, "busy", { retryAfter: 2 }), {}, "Too many people are signing in at this moment. Try again in 2 seconds."],
    [problem(429, "too-many-attempts", { retryAfter: 8 }), {}, "Too many wrong passwords for this name lately. Try again in 8 seconds."],
    [problem(429, "too-many-requests", { retryAfter: 2 }), {}, "Too many requests from here. Try again in 2 seconds."],
    [problem(503, "unavailable", { retryAfter: 120 }), {}, "The service can't do this just now. Try again in about 2 minutes."],
    [problem(404, "no-such-account"), { name: "bob" }, "Nobody is called “bob” here. Check the spelling, or ask them to create an account first."],
    [problem(404, "room-not-found"), {}, "That room is gone, or you are no longer in it."],
    [problem(403, "not-owner"), {}, "Only an owner of the room can do that."],
    [problem(401, "invalid-refresh-token"), {}, ENDED],
    [new Ended(), {}, ENDED],
    [new Unreachable(new TypeError("Failed to fetch")), {}, "The service can't be reached. Check your connection, and try again."],
  ]) {
    assert.equal(explain(error, doing), text);
  }
});

test("of a problem that it doesn't know the page says what the service says, and when to come back", () => {
  assert.equal(explain(problem(418, "teapot", { title: "This is a teapot", detail: "it has no coffee" })), "This is a teapot. It has no coffee.");
  assert.equal(explain(problem(429, "too-many-tries", { retryAfter: 30 })), "Too many tries. Try again in 30 seconds.");
  assert.equal(explain(new ApiError(502, {})), "The service can't do this just now. Try again in a while.");
});

test("an error of the rooms client becomes what a person can act on", () => {
  const error = (code, message = "") => Object.assign(new Error(message), { name: "RoomsError", code });
  assert.equal(explain(error("too_big", "a message has at most 65536 bytes")), "That is too long: a message has at most 65536 bytes. Make it shorter.");
  assert.equal(explain(error("not_permitted")), "You can read in this room, but not write.");
  for (const code of ["full", "lost", "left", "removed", "not_delivered", "too_many_rooms", "token_refused", "closed", "ended", "no_token", "token_timeout"]) {
    assert.match(explain(error(code)), /^[A-Z].*\.$/);
    assert.doesNotMatch(explain(error(code)), /went wrong in this page/);
  }
});

test("nothing is told as JSON, a code or a stack", () => {
  for (const error of [new TypeError("x is not a function"), undefined, {}, problem(500, "internal"), problem(400, "malformed-json")]) {
    assert.match(explain(error), /^[A-Z][^{}]*\.$/);
    assert.doesNotMatch(explain(error), /undefined|TypeError|urn:/);
  }
});

test("the end of a session says whether to sign in again", () => {
  assert.equal(explainEnd({ code: "ended", closeCode: 4503 }), "You were signed out from another place. Sign in again to go on.");
  assert.equal(explainEnd({ code: "no_token" }), ENDED);
  assert.match(explainEnd({ code: "ended", closeCode: 4599 }), /Reload/);
});

test("a lost connection says why, as far as that is known", () => {
  assert.equal(explainLoss({ code: 1012 }), "The service is restarting.");
  assert.equal(explainLoss({ code: 4429 }), "That was too fast.");
  assert.equal(explainLoss({ code: 1006 }), "The service can't be reached.");
  assert.equal(explainLoss({ error: problem(503, "unavailable", { retryAfter: 2 }) }), "The service can't do this just now. Try again in 2 seconds.");
  assert.equal(explainLoss({ code: 1006 }, false), "You are offline.");
});
