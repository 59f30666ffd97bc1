// Where one writes: Enter sends, Shift and Enter is a new line.

import { $, set, write } from "./dom.js";

/**
 * @param {(text: string) => void} send
 * @param {(text: string) => void} typed
 */
export function start(send, typed) {
  const [form, message] = [$("composer"), $("message")];
  message.addEventListener("keydown", (event) => {
    // Some languages are typed with Enter, too.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  message.addEventListener("input", () => typed(message.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = message.value.trim();
    message.focus();
    if (!text || message.readOnly) return;
    message.value = "";
    typed("");
    send(text);
  });
}

/** @param {import("../room.js").Room} room */
export function show(room) {
  const message = $("message");
  const mute = room.grant === "r";
  if (message.value !== room.draft) message.value = room.draft;
  message.readOnly = mute;
  set($("send"), "disabled", mute);
  write($("composer-hint"), mute ? "You can read in this room, but not write." : "");
  set(message, "placeholder", mute ? "" : "Say something");
}

export const focus = () => $("message").focus();
