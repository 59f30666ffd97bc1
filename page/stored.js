// What a reload and the other tabs know of the session: it stands in this
// origin's localStorage, without the access token, which no tab writes down.

/** @typedef {{session: string, refresh_token: string}} Stored */

const KEY = "rooms.session";

/** What the browser wouldn't keep: it ends with the tab, and is newer than what is kept. */
let alone;

/** @returns {Stored | null} */
export const read = () => alone ?? kept();

/** @param {Stored} session */
export function write(session) {
  try {
    localStorage.setItem(KEY, JSON.stringify(session));
    alone = undefined;
  } catch {
    alone = session;
  }
}

/** Forgets the session, unless another one has taken its place. */
export function forget(session) {
  if (alone?.session === session) alone = undefined;
  if (kept()?.session !== session) return;
  try {
    localStorage.removeItem(KEY);
  } catch { /* then nothing is kept there */ }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** Tells when another tab signs in or out, or refreshes. @param {() => void} listener */
export function watch(listener) {
  addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) listener();
  });
}
