// The rooms that one is in, to choose from.

import { count } from "../format.js";
import { $, h, list, set, write } from "./dom.js";

/**
 * @param {readonly import("../room.js").Room[]} rooms
 * @param {import("../room.js").Room} current
 * @param {(room: import("../room.js").Room) => void} choose
 */
export function show(rooms, current, choose) {
  let chosen = false;
  list($("rooms"), rooms, (room) => room, (room) => make(room, choose), (item, room) => {
    const [button] = item.children;
    if (room === current && !button.hasAttribute("aria-current")) chosen = true;
    set(button, "aria-current", room === current && "page");
    const [title, badge] = button.children;
    write(title, room.about.title);
    set(badge, "hidden", room.unread === 0);
    write(badge.firstElementChild, room.unread > 99 ? "99+" : String(room.unread));
  });
  // Only now does it stand in its place.
  if (chosen) reveal();
}

export function start() {
  // What is beside the list unfolds, and screens are turned.
  let before;
  new ResizeObserver(([{ contentRect: { width } }]) => {
    if (width !== before) reveal();
    before = width;
  }).observe($("rooms"));
}

const reveal = () => $("rooms").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

function make(room, choose) {
  const badge = h("span", { class: "badge", title: "unread" }, h("span"), h("span", { class: "visually-hidden" }, " unread"));
  return h("li", { "data-room": room.name },
    h("button", { type: "button", class: "room-button", click: () => choose(room) }, h("span", { class: "room-title" }), badge));
}

/** The document's title: where one is, and how much waits elsewhere. */
export function title(rooms, current) {
  const unread = rooms.reduce((sum, room) => sum + room.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${current.about.title} – Rooms`;
  set($("rooms"), "aria-label", unread ? `Rooms, ${count(unread, "unread message")}` : "Rooms");
}
