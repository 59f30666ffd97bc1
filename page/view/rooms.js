// The rooms that one is in, to choose from.

import { count } from "../format.js";
import { $, h, list, set, write } from "./dom.js";

/**
 * @param {readonly import("../room.js").Room[]} rooms
 * @param {import("../room.js").Room} current
 * @param {(room: import("../room.js").Room) => void} choose
 */
export function show(rooms, current, choose) {
  list($("rooms"), rooms, (room) => room, (room) => make(room, choose), (item, room) => {
    const [button] = item.children;
    const chosen = room === current && !button.hasAttribute("aria-current");
    set(button, "aria-current", room === current && "page");
    if (chosen) button.scrollIntoView({ block: "nearest", inline: "nearest" });
    const [title, badge] = button.children;
    write(title, room.about.title);
    set(badge, "hidden", room.unread === 0);
    write(badge.firstElementChild, room.unread > 99 ? "99+" : String(room.unread));
  });
}

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
