// What a reload and the other tabs know of the session: it stands in this
// origin's localStorage, without the access token, which no tab writes down.

/** @typedef {{user: string, session: string, refresh_token: string}} Stored */

const KEY = "rooms.session";

/** Where the browser keeps nothing for this page, the session ends with the tab. */
let alone;

/** @returns {Stored | null} */
export function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    return alone ?? null;
  }
}

/** @param {Stored} session */
export function write(session) {
  try {
    localStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    alone = session;
  }
}

/** Forgets the session, unless another one has taken its place. */
export function forget(session) {
  if (read()?.session !== session) return;
  alone = undefined;
  try {
    localStorage.removeItem(KEY);
  } catch { /* then nothing is kept there */ }
}

/** Tells when another tab signs in or out, or refreshes. @param {() => void} listener */
export function watch(listener) {
  addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) listener();
  });
}
