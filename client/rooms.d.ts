/** Why a token is asked for. */
export type TokenReason =
  /** the first connection, or a seat in a room */
  | "connect"
  | "join"
  /** a connection was lost */
  | "reconnect"
  /** the page or the machine is awake again */
  | "wake"
  /** a token ends soon */
  | "expiring"
  /** the last one was not taken, or may not have been: one from a cache won't do */
  | "refused";

export interface TokenRequest {
  /** The room that the token is for; absent for the socket's access token. */
  room?: string;
  reason: TokenReason;
  /** With `room`: the access token that this client got last, to ask for the room's with. */
  accessToken?: string;
  /** Aborts when nobody waits for the token any more. */
  signal: AbortSignal;
}

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

export interface RoomsOptions {
  /** Where the service's `/ws` is: `ws:`, `wss:`, `http:`, `https:`, or relative to the page. */
  url: string | URL;
  /**
   * Fetches a token. `null`, or an error with `fatal: true`, means that there
   * will be none: the client ends, or leaves the room that it was for. After
   * any other error it is asked again, later. An error with `status: 401`, for
   * a room, has a fresh access token fetched first.
   */
  getToken(request: TokenRequest): Promise<string | null | undefined> | string | null | undefined;
  /** The WebSocket class, where there is no global one (Node 20: that of `ws`). */
  WebSocket?: new (url: string, protocols: string[]) => unknown;
  /** Name of the Web Lock that is held while an access token is fetched, or null for none. Default "rooms.token". */
  lock?: string | null;
  /** Messages that may wait for their acknowledgement, all rooms together. Default 1000. */
  queue?: number;
  /** Milliseconds until a connection that brings no `welcome` is given up. Default 15000. */
  connectTimeout?: number;
  /** Milliseconds until `getToken` is given up. Default 30000. */
  tokenTimeout?: number;
}

export interface PublishOptions {
  /** `data` is a string in base64 (standard alphabet, padded): a binary message. */
  encoding?: "base64";
  /**
   * Say it again when the connection was lost before the acknowledgement came.
   * Default true. With false it is sent once at most, and `publish` rejects
   * with the code "lost".
   */
  retry?: boolean;
}

export interface Published {
  /** Its number in the room; absent where the service keeps no order. */
  seq?: number;
}

export interface Message {
  type: "message";
  room: string;
  /** Grows within a room; numbers may be left out. Absent where the service keeps no order. */
  seq?: number;
  /** The user who said it; absent if the service doesn't know. */
  from?: string;
  /** When (RFC 3339). */
  at: string;
  data: Json;
  /** `data` is binary, in base64. */
  encoding?: "base64";
}

/** What a room's listeners hear, by type. */
export interface RoomEvents {
  /** Somebody said something. */
  message: Message;
  /** Messages are missing here; what follows was said after `position`. */
  gap: { room: string; position?: string };
  /** There is a seat, for the first time or again. */
  joined: { room: string; recovered: boolean; position?: string; grant: Grant };
  /** Who came, and who went. */
  presence: { room: string; joined: string[]; left: string[] };
  /** What one may do here has changed. */
  granted: { room: string; grant: Grant };
  /**
   * The end of it. "left" by `leave()`, "closed" with the client, "removed" as
   * the membership ended; else the code of the error.
   */
  left: { reason: string; error?: RoomsError };
}

/** `rw`: hear and speak; `r`: hear. */
export type Grant = "rw" | "r";

export interface Room {
  readonly name: string;
  /** How far it was heard: `since` of a later `join`. Absent where the service keeps no order. */
  readonly position?: string;
  /** Whether there is a seat just now. */
  readonly seated: boolean;
  readonly grant?: Grant;
  /** Whether the room tells who is there. */
  readonly presence?: boolean;
  /** Listens; the function that comes back stops it. */
  on<T extends keyof RoomEvents>(type: T, listener: (event: RoomEvents[T]) => void): () => void;
  /** Says something; resolves when the service has taken it. */
  publish(data: Json, options?: PublishOptions): Promise<Published>;
  /** The users who are in the room. */
  users(): Promise<string[]>;
  /** Gives the seat up, and with it what isn't acknowledged yet. */
  leave(): void;
}

/** What went wrong. */
export class RoomsError extends Error {
  constructor(code: string, message: string, more?: object);
  name: "RoomsError";
  /** For programs; see the README. */
  code: string;
  /** With "ended" and "lost": the WebSocket's close code. */
  closeCode?: number;
  /** The room that it is about. */
  room?: string;
}

export interface Welcome {
  type: "welcome";
  user: string;
  session: string;
  expires_at: string;
}

/** What a client's listeners hear, by type. */
export interface RoomsEvents {
  /** Connected; seats follow. */
  open: Welcome;
  /** Not connected; the next attempt begins in `delay` milliseconds. */
  retry: { delay: number; code?: number; reason: string; error?: unknown };
  /** Something went wrong that will be tried again, or that nobody waits for. */
  error: unknown;
  /** The end: `close()`, a fatal error of `getToken`, or the service's word. */
  close: RoomsError | Error;
}

export class Rooms {
  constructor(options: RoomsOptions);
  readonly state: "connecting" | "open" | "waiting" | "closed";
  on<T extends keyof RoomsEvents>(type: T, listener: (event: RoomsEvents[T]) => void): () => void;
  /** The room, and a seat in it as soon as there is one; `since` is a `Room.position`. */
  join(room: string, options?: { since?: string }): Room;
  /** Tells that the machine or the page is awake again, where there are no events of a browser. */
  wake(): void;
  close(): void;
}
