// What was said, the newest at the bottom. Whoever has scrolled up stays there.

import { hue, initial, time, words } from "../format.js";
import { $, h, list, set, write } from "./dom.js";

const NEAR = 60; // pixels from the bottom that count as being there
const TOGETHER = 5 * 60_000; // milliseconds in which one's messages stand as one

let shown; // the room
let pinned = true; // to the bottom
let settled; // the room whose kept messages have been shown

/**
 * @param {import("../room.js").Room} room
 * @param {{id: string}} me
 * @param {{again: (item: object) => void, edit: (item: object) => void}} actions with what wasn't sent
 */
export function show(room, me, actions) {
  const log = $("log");
  if (shown !== room) pinned = true;
  shown = room;
  // What was said before is no news.
  set(log, "aria-live", settled === room ? "polite" : "off");
  settled = room.loaded ? room : undefined;
  const { items } = room.timeline;
  list($("messages"), items, (item) => item, (item) => (item.kind === "note" ? note() : message(item, actions)), (element, item, index) => {
    if (item.kind === "note") write(element.firstElementChild, String(item.data));
    else update(element, item, items[index - 1], room, me);
  });
  set($("messages-empty"), "hidden", items.length > 0 || !room.loaded);
  set($("messages-loading"), "hidden", room.loaded || items.length > 0);
  write($("messages-empty-hint"), room.about.own
    ? "Open this page in a second tab: what you say in one is heard in the other."
    : "Add somebody by name, and say hello.");
  if (pinned) down();
  set($("to-bottom"), "hidden", pinned);
}

export function start() {
  const log = $("log");
  $("to-bottom").addEventListener("click", () => {
    down();
    $("message").focus();
  });
  log.addEventListener("scroll", () => {
    pinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
    set($("to-bottom"), "hidden", pinned);
  }, { passive: true });
  // A keyboard on the screen leaves less room.
  new ResizeObserver(() => pinned && down()).observe(log);
}

const down = () => ($("log").scrollTop = $("log").scrollHeight);

const note = () => h("li", { class: "note" }, h("span"));

function message(item, { again, edit }) {
  return h("li", { class: "message" },
    h("p", { class: "by" }, h("span", { class: "avatar", "aria-hidden": "true" }), h("span", { class: "name" }), h("time")),
    h("p", { class: "text", "data-testid": "text", dir: "auto" }),
    h("p", { class: "trouble", hidden: true }, h("span"),
      h("button", { type: "button", class: "link", click: () => again(item) }, "Send again"),
      h("button", { type: "button", class: "link", click: () => edit(item) }, "Edit")));
}

function update(element, item, before, room, me) {
  const own = item.from === me.id;
  const name = own ? (item.here || !item.live ? "You" : "You, elsewhere") : room.names.get(item.from) ?? (item.from ? "Somebody who left" : "Somebody");
  set(element, "data-seq", item.seq);
  set(element, "data-own", own);
  set(element, "data-state", item.state);
  set(element, "data-continued", follows(before, item));
  const [by, text, trouble] = element.children;
  const [avatar, who, when] = by.children;
  set(avatar, "data-hue", String(hue(item.from ?? "")));
  write(avatar, initial(name));
  write(who, name);
  set(when, "datetime", item.at);
  write(when, item.state === "sending" ? "sending…" : time(item.at));
  write(text, words(item));
  set(trouble, "hidden", item.state !== "failed");
  write(trouble.firstElementChild, item.why ?? "");
}

/** Whether two messages stand as one. */
function follows(before, item) {
  return before?.kind === "message" && before.from === item.from && before.here === item.here
    && !item.state && !before.state && Date.parse(item.at) - Date.parse(before.at) < TOGETHER;
}
