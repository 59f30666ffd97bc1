// Every export, as an application in TypeScript uses it. Compiled, never run.
import {
  type Grant,
  type Json,
  type Message,
  type PublishOptions,
  type Published,
  type Room,
  type RoomEvents,
  type RoomsEvents,
  type RoomsOptions,
  type TokenReason,
  type TokenRequest,
  type Welcome,
  Rooms,
  RoomsError,
} from "../../rooms.js";

const fetchToken = async ({ room, reason, accessToken, signal }: TokenRequest): Promise<string | null> => {
  const why: TokenReason = reason;
  if (signal.aborted || why === "refused") return null;
  return room === undefined ? "token" : `${room} ${accessToken ?? ""}`;
};
const options: RoomsOptions = { url: "/ws", getToken: fetchToken, WebSocket, lock: null, queue: 10, connectTimeout: 1, tokenTimeout: 1 };
const rooms = new Rooms(options);
const deafen: () => void = rooms.on("open", (welcome: Welcome) => welcome.user.length);
rooms.on("retry", ({ delay, code, reason }: RoomsEvents["retry"]) => [delay.toFixed(), code?.toFixed(), reason.length]);
rooms.on("error", (error: unknown) => error instanceof RoomsError && error.code);
rooms.on("close", (error: Error) => error.message);

const room: Room = rooms.join("a", { since: "00000000000000ff:1" });
const said: Published = await room.publish({ list: [1, "two", null, true] } satisfies Json, { retry: false });
const binary: PublishOptions = { encoding: "base64" };
await room.publish("AAEC", binary);
room.on("message", (message: Message) => [message.seq, message.from, message.at, message.data, message.encoding]);
room.on("gap", ({ position }: RoomEvents["gap"]) => position);
room.on("joined", ({ recovered, grant }) => [recovered satisfies boolean, grant satisfies Grant]);
room.on("presence", ({ joined, left }) => [...joined, ...left]);
room.on("granted", ({ grant }) => grant satisfies Grant);
room.on("left", ({ reason, error }) => [reason, error?.closeCode, error?.room]);
const users: string[] = await room.users();
const state: [string | undefined, boolean, Grant | undefined, boolean | undefined] = [room.position, room.seated, room.grant, room.presence];
room.leave();
rooms.wake();
rooms.close();
deafen();
export const used = [said.seq, users, state, room.name, rooms.state, new RoomsError("code", "message").name];

// @ts-expect-error: there is no such event
room.on("messages", () => {});
// @ts-expect-error: a function is not JSON
void room.publish(() => {});
// @ts-expect-error: getToken is required
export const incomplete: RoomsOptions = { url: "/ws" };
// @ts-expect-error: a position is read, not written
room.position = "";
