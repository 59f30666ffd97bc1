// What went wrong, in words that a person can act on.

import { duration } from "./format.js";

/** @typedef {{name?: string}} Doing What the person tried it with. */

/** By the `type` of a Problem. @type {Record<string, (error: any, doing: Doing) => string>} */
const PROBLEMS = {
  "name-taken": (_, { name }) => `The name ${quoted(name)} is taken. Choose another one, or sign in if it is yours.`,
  "invalid-username": ({ detail }) => `That name can't be used: ${clause(detail)}`,
  "invalid-password": ({ detail }) => password(detail),
  "invalid-credentials": () => "The name or the password is wrong. Check both, or create an account if you have none.",
  "second-factor-required": () => "Type the code that your authenticator app shows.",
  "invalid-second-factor": () => "That code is wrong, or was used before. Wait for the next one.",
  "invalid-refresh-token": () => ENDED,
  "invalid-token": () => ENDED,
  "invalid-title": ({ detail }) => `That title can't be used: ${clause(detail)}`,
  busy: (error) => `Too many people are signing in at this moment. ${when(error)}`,
  "too-many-attempts": (error) => `Too many wrong passwords for this name lately. ${when(error)}`,
  "too-many-requests": (error) => `Too many requests from here. ${when(error)}`,
  unavailable: (error) => `The service can't do this just now. ${when(error)}`,
  "too-many-sockets": (error) => `The service has no room for another connection. ${when(error)}`,
  "too-many-sockets-of-user": () => "You have too many connections open. Close some tabs, and it goes on here.",
  "room-not-found": () => "That room is gone, or you are no longer in it.",
  "no-such-account": (_, { name }) => `Nobody is called ${quoted(name)} here. Check the spelling, or ask them to create an account first.`,
  "not-owner": () => "Only an owner of the room can do that.",
  "not-permitted": () => "You can read in this room, but not write.",
  "last-owner": () => "The room would be left without an owner. Make somebody else an owner first.",
  "room-full": ({ detail }) => sentence(detail ?? "The room is full"),
  "too-many-rooms": ({ detail }) => `You can't make another room: ${clause(detail)}`,
  "body-too-large": () => "That is too long. Make it shorter, and try again.",
  "request-timeout": () => "That took too long to arrive. Check your connection, and try again.",
  internal: () => "Something went wrong on the service's side. Try again; if it stays so, its log says why.",
};

/** By the `code` of an error of the rooms client. @type {Record<string, (error: any) => string>} */
const ROOMS = {
  too_big: ({ message }) => `That is too long: ${clause(message)} Make it shorter.`,
  full: () => "Too many messages are waiting to be sent. Wait for the connection, and try again.",
  lost: () => "The connection was lost before the service answered, so perhaps it was said and perhaps not.",
  left: () => "You left the room before it was sent.",
  removed: () => "You are no longer in this room.",
  not_permitted: () => "You can read in this room, but not write.",
  not_delivered: () => "The service couldn't pass it on; perhaps nobody has heard it.",
  too_many_rooms: () => "You are in too many rooms at once.",
  token_refused: () => "The service doesn't let you into this room any more.",
  closed: () => "You signed out before it was sent.",
  ended: () => "The connection was ended before it was sent.",
  no_token: () => "You were signed out before it was sent.",
  token_timeout: () => UNREACHABLE,
};

/** By the close code after which the client doesn't come back. @type {Record<number, string>} */
const CLOSED = {
  4503: "You were signed out from another place. Sign in again to go on.",
  4507: "You are not permitted to be here any more.",
  4509: "The service and this page didn't understand each other. Reload the page.",
};

/** Why a connection was lost, by its close code. @type {Record<number, string>} */
const LOST = {
  1012: "The service is restarting.",
  1013: "The service can't pass on messages just now.",
  4401: "Signing in again.",
  4408: "This browser was too slow to keep up.",
  4410: "The service lost some messages.",
  4429: "That was too fast.",
};

export const ENDED = "Your session has ended: you signed out in another place, or were away for too long. Sign in again.";
export const NOTHING_ENDED = "Your session had ended before, so nothing was ended anywhere else. Sign in again, and sign out everywhere from there.";
export const UNREACHABLE = "The service can't be reached.";

/**
 * What a person is told of an error.
 * @param {any} error of `call`, of the session, or of the rooms client
 * @param {Doing} doing
 */
export function explain(error, doing = {}) {
  if (error?.name === "Ended") return ENDED;
  if (error?.name === "Unreachable") return `${UNREACHABLE} Check your connection, and try again.`;
  if (error?.name === "ApiError") return PROBLEMS[error.kind]?.(error, doing) ?? byStatus(error);
  return ROOMS[error?.code]?.(error) ?? "Something went wrong in this page. Reload it, and try again.";
}

/** What a person is told when the rooms client has ended. */
export function explainEnd(error) {
  if (error?.code === "no_token") return ENDED;
  return CLOSED[error?.closeCode] ?? "The service has ended the connection. Reload the page to go on.";
}

/** What a person is told while the rooms client waits; nothing if there is nothing to say. */
export function explainLoss({ code, error } = {}, online = true) {
  if (!online) return "You are offline.";
  if (error?.name === "ApiError") return explain(error);
  return LOST[code] ?? UNREACHABLE;
}

function byStatus(error) {
  if (error.status === 429) return `Too many tries. ${when(error)}`;
  if (error.status >= 500) return `The service can't do this just now. ${when(error)}`;
  // Of a kind that this page doesn't know, the service's own words are the best.
  return [error.message, error.detail].filter(Boolean).map(sentence).join(" ");
}

const when = ({ retryAfter }) => (retryAfter === undefined ? "Try again in a while." : `Try again in ${duration(retryAfter)}.`);

function password(detail = "") {
  const bound = /at (least|most) (\d+) bytes/.exec(detail);
  if (bound?.[1] === "least") return `Choose a longer password: at least ${bound[2]} characters.`;
  if (bound) return `Choose a shorter password: ${bound[2]} characters at most, fewer if some are not plain letters.`;
  const weak = /^the password is too easy to guess:? ?(.*)$/s.exec(detail);
  if (weak) return `That password is too easy to guess. ${weak[1] || "Add a few uncommon words."}`;
  return `That password can't be used: ${clause(detail)}`;
}

const quoted = (name) => (name ? `“${name}”` : "that");
const clause = (text = "the service doesn't take it") => (/[.!?]$/.test(text) ? text : `${text}.`);
const sentence = (text) => clause(text.charAt(0).toUpperCase() + text.slice(1));
