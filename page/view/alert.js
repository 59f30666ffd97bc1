// What went wrong, for everybody to see; and what happened, for those who listen.

import { $ } from "./dom.js";

/** Says what went wrong, and what to do about it. */
export function tell(text) {
  // Also what was said before is said again.
  $("alert").replaceChildren(text);
}

/** Nothing is wrong any more. */
export const calm = () => $("alert").replaceChildren();

/** Tells screen readers what others see elsewhere. */
export const announce = (text) => $("status").replaceChildren(text);

export function start() {
  $("dismiss").addEventListener("click", () => {
    calm();
    document.querySelector("main:not([hidden])")?.focus();
  });
}
