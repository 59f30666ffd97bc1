// How it stands with the connection, and how long the token lives yet.

import { countdown } from "../life.js";
import { $, set, write } from "./dom.js";

/**
 * @param {object} shown
 * @param {"connecting" | "open" | "waiting" | "closed"} shown.state
 * @param {number} shown.wait milliseconds until the next attempt
 * @param {string} shown.why it is not connected; empty if there is nothing to say
 * @param {import("../life.js").Life | undefined} shown.life
 */
export function show({ state, wait, why, life }) {
  set($("connection"), "data-state", state);
  write($("connection-text"), label(state, wait));
  set($("lost"), "hidden", state === "open" || !why);
  write($("lost-why"), why);
  const left = life?.left ?? 0;
  write($("token-left"), countdown(left));
  set($("token"), "data-ends-soon", left < 60_000);
}

function label(state, wait) {
  if (state === "open") return "Connected";
  if (state === "connecting") return "Connecting…";
  if (state === "closed") return "Not connected";
  return wait > 0 ? `Reconnecting in ${Math.ceil(wait / 1000)} s` : "Reconnecting…";
}
