// Who is in a room, and who of them is there. One's own room has only oneself
// in it: there it says where one is signed in.

import { device, hue, initial, time } from "../format.js";
import { $, h, list, set, write } from "./dom.js";

const ROLES = { owner: "owner", reader: "reads only" };

/**
 * @param {import("../room.js").Room} room
 * @param {{id: string, username: string}} me
 * @param {{id: string, current: boolean, user_agent?: string, created_at: string}[]} sessions
 */
export function show(room, me, sessions) {
  const { own } = room.about;
  const people = own ? [{ user: me.id, username: me.username }] : (room.members ?? []);
  const tells = !own && room.about.presence;
  const here = (user) => (tells ? room.here?.has(user) : undefined);
  const sorted = tells ? [...people].sort((one, other) => Number(here(other.user) ?? false) - Number(here(one.user) ?? false)) : people;

  write($("people-title"), tells ? "Who is here" : own ? "Only you" : "Who is in the room");
  list($("people"), sorted, ({ user }) => `${room.name} ${user}`, make, (item, { user, username, role }) => {
    const is = here(user);
    set(item, "data-here", is === undefined ? undefined : String(is));
    const [avatar, name, more] = item.children;
    set(avatar, "data-hue", String(hue(user)));
    write(avatar, initial(username));
    write(name, user === me.id ? `${username} (you)` : username);
    write(more, [ROLES[role], is === undefined ? undefined : is ? "here" : "away"].filter(Boolean).join(", "));
  });

  set($("people-empty"), "hidden", own || room.members !== undefined);
  set($("add-person"), "hidden", own || !owns(room, me));
  set($("sessions-part"), "hidden", !own || sessions.length === 0);
  if (own) showSessions(sessions);
}

const owns = (room, me) => room.members?.some(({ user, role }) => user === me.id && role === "owner") ?? room.about.role === "owner";

function make() {
  return h("li", { class: "person" }, h("span", { class: "avatar", "aria-hidden": "true" }), h("span", { class: "name" }), h("span", { class: "more" }));
}

function showSessions(sessions) {
  list($("sessions"), sessions, ({ id }) => id, () => h("li", {}, h("span"), h("span", { class: "more" })), (item, session) => {
    const [where, since] = item.children;
    write(where, device(session.user_agent));
    write(since, session.current ? "this browser" : `since ${time(session.created_at)}`);
  });
}
