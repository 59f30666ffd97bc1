// Who is signed in: the access token in memory, the refresh token in the store
// that the tabs share, and a lock so that only one of them uses it at a time.

import { call as request, ApiError, Unreachable } from "./api.js";
import { Life } from "./life.js";
import * as localStore from "./stored.js";

/** The lock that the rooms client holds while it asks for an access token. */
export const LOCK = "rooms.token";

/**
 * Longest that a refresh may take, in milliseconds. The service gives the same
 * answer again for 10 s: a second try has to come, and end, within them.
 */
const REFRESH_PATIENCE = 4_000;

/** Longest that somebody who leaves is kept waiting, in milliseconds. */
const SIGN_OUT_PATIENCE = 5_000;

/** There is no session any more; what a person is told of it is for others to say. */
export class Ended extends Error {
  constructor() {
    super("the session has ended");
    this.name = "Ended";
  }
}

export class Session {
  #call;
  #store;
  #locks;
  #clock;
  #access;
  #given; // to the rooms client, last
  #renewing;

  /** @type {{id: string, username: string, session: string, room: string} | undefined} */
  account;
  /** Of the access token. @type {Life | undefined} */
  life;
  /** Called when the session turns out to have ended. */
  ended = () => {};

  constructor({ call = request, store = localStore, locks = globalThis.navigator?.locks, clock = () => performance.now() } = {}) {
    this.#call = call;
    this.#store = store;
    this.#locks = locks;
    this.#clock = clock;
  }

  register(username, password) {
    return this.#call("POST", "/auth/register", { body: { username, password } });
  }

  async signIn(username, password, code) {
    const asked = this.#clock();
    const body = { username, password, ...(code && { second_factor: code }) };
    const tokens = await this.#call("POST", "/auth/login", { body });
    const account = await this.#call("GET", "/auth/me", { token: tokens.access_token });
    this.#take(tokens, asked);
    this.account = account;
    this.#store.write({ session: account.session, refresh_token: tokens.refresh_token });
  }

  /** Goes on with the session that the store has. @throws {Ended} */
  async resume() {
    await this.#renew();
    this.account = await this.#call("GET", "/auth/me", { token: this.#access });
  }

  /** A request as the one who is signed in; `more` is for `call`. @throws {Ended} */
  async ask(method, path, body, more = {}) {
    const token = this.life?.left ? this.#access : await this.#renew(this.#access);
    try {
      return await this.#call(method, path, { ...more, token, body });
    } catch (error) {
      if (error.kind !== "invalid-token") throw error;
      return this.#call(method, path, { ...more, token: await this.#renew(token), body });
    }
  }

  /** What the rooms client calls for its tokens; it holds the lock itself. */
  async getToken({ room, reason, accessToken, signal }) {
    if (room !== undefined) return this.#roomToken(room, accessToken, signal);
    const spent = reason === "refused" || (reason === "expiring" && this.#given === this.#access);
    if (spent || !this.life?.young) {
      try {
        await this.#renewLocked(this.#access);
      } catch (error) {
        if (error instanceof Ended) return null;
        throw error;
      }
    }
    return (this.#given = this.#access);
  }

  /**
   * Ends this session, or all of the user's. The service is asked first.
   * @throws whatever `call` throws, and `Ended` where others should have ended
   *   and this one had before: then nothing has ended.
   */
  async signOut(everywhere) {
    try {
      await this.ask("POST", `/auth/logout${everywhere ? "?all=true" : ""}`, undefined, { patience: SIGN_OUT_PATIENCE });
    } catch (error) {
      if (everywhere || !(error instanceof Ended)) throw error;
    }
    this.forget();
  }

  /** Forgets the tokens, here and in the store. */
  forget() {
    if (this.account) this.#store.forget(this.account.session);
    this.account = this.life = this.#access = this.#given = this.#renewing = undefined;
  }

  async #roomToken(room, token, signal) {
    try {
      return (await this.#call("POST", `/rooms/${encodeURIComponent(room)}/token`, { token, signal })).access_token;
    } catch (error) {
      // A room that is gone stays so.
      if (error instanceof ApiError && error.status === 404) error.fatal = true;
      throw error;
    }
  }

  #renew(stale) {
    const renew = () => this.#renewLocked(stale);
    return this.#locks ? this.#locks.request(LOCK, renew) : renew();
  }

  /** New tokens, unless they came meanwhile: `stale` is the one that is no good. */
  async #renewLocked(stale) {
    if (this.#access !== stale) return this.#access;
    // One at a time also where whoever asked first has stopped waiting.
    if (!this.#renewing) {
      const renewing = this.#refresh().finally(() => this.#renewing === renewing && (this.#renewing = undefined));
      this.#renewing = renewing;
    }
    return this.#renewing;
  }

  async #refresh() {
    const mine = this.account?.session;
    for (;;) {
      const before = this.#store.read();
      if (!before || (mine && before.session !== mine)) throw this.#over(mine);
      const asked = this.#clock();
      let tokens;
      try {
        tokens = await this.#refreshed(before.refresh_token);
      } catch (error) {
        if (error.status !== 401) throw error;
        // What another tab wrote may come late; then there is a newer one to try.
        const newer = this.#store.read();
        if (newer?.session === before.session && newer.refresh_token !== before.refresh_token) continue;
        this.#store.forget(before.session);
        throw this.#over(before.session);
      }
      // Another tab may have signed out meanwhile: that holds.
      if (this.#store.read()?.session !== before.session) throw this.#over(before.session);
      this.#store.write({ ...before, refresh_token: tokens.refresh_token });
      this.#take(tokens, asked);
      return tokens.access_token;
    }
  }

  /** The answer to a refresh token. Where it was lost, it is asked for once more, at once. */
  async #refreshed(refresh_token) {
    const ask = () => this.#call("POST", "/auth/refresh", { body: { refresh_token }, patience: REFRESH_PATIENCE });
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      return ask();
    }
  }

  /** That session has ended: a newer one, which may be there by now, has not. */
  #over(session) {
    if (this.account && this.account.session === session) this.ended();
    return new Ended();
  }

  #take(tokens, asked) {
    this.#access = tokens.access_token;
    this.life = new Life(tokens.expires_in, asked, this.#clock);
  }
}
