// A story: the service, and in a browser the pages of people. Whatever a page
// complains about in the console, loads from elsewhere, or is kept from doing by
// its own policy, is a mistake that the story fails for.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch } from "../../client/tests/e2e/chromium.js";
import { Service } from "../../client/tests/e2e/processes.js";

/** Where screenshots go. */
const PICTURES = fileURLToPath(new URL("../../target/browser/", import.meta.url));

/** Longest that anything may take: a promise kept late is broken. */
const SOON = 20_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/**
 * @param {string} name
 * @param {{env?: object, expected?: RegExp[]}} options `env` is the service's;
 *   of the console's errors only the `expected` may be there
 * @param {(stage: Stage) => Promise<void>} play
 */
export function story(name, { env, expected = [] }, play) {
  test(name, { timeout: 180_000 }, async (t) => {
    const stage = new Stage(await Service.start(t, env));
    try {
      await play(stage);
    } catch (error) {
      await stage.photographAll(`failed ${name}`);
      throw error;
    } finally {
      await stage.end();
    }
    assert.deepEqual(stage.complaints.filter((what) => !expected.some((one) => one.test(what))), []);
  });
}

export class Stage {
  /** What went wrong in any page. @type {string[]} */
  complaints = [];
  #profiles = [];

  constructor(service) {
    this.service = service;
  }

  get origin() {
    return `http://${this.service.address}`;
  }

  /** A browser profile: what its pages share, no other one sees. */
  async profile(options = {}) {
    const profile = await browser.newContext({ baseURL: this.origin, viewport: { width: 1100, height: 800 }, ...options });
    this.#profiles.push(profile);
    profile.setDefaultTimeout(SOON);
    profile.on("console", (message) => {
      if (["error", "warning", "assert"].includes(message.type())) this.complaints.push(`${message.type()}: ${message.text()}`);
    });
    profile.on("weberror", ({ error }) => this.complaints.push(`exception: ${error().stack}`));
    profile.on("request", (request) => this.#watch(request.url()));
    profile.on("page", (page) => page.on("websocket", (socket) => this.#watch(socket.url())));
    await profile.exposeFunction("blocked", (what) => this.complaints.push(`blocked: ${what}`));
    await profile.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) => globalThis.blocked(`${event.effectiveDirective} ${event.blockedURI}`)),
    );
    return profile;
  }

  #watch(url) {
    const { protocol, host } = new URL(url);
    if (protocol !== "data:" && host !== this.service.address) this.complaints.push(`another host: ${url}`);
  }

  /** A picture of what is seen, among the artifacts. */
  async photograph(page, name) {
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: `${PICTURES}${name.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}.png`, animations: "disabled" });
  }

  async photographAll(name) {
    const pages = this.#profiles.flatMap((profile) => profile.pages());
    for (const [index, page] of pages.entries()) await this.photograph(page, `${name} ${index}`).catch(() => {});
  }

  async end() {
    await Promise.all(this.#profiles.map((profile) => profile.close()));
  }
}
