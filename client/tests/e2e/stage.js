// Where the service's clients run: in this process, or in pages of a browser.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { Actor } from "./actor.js";
import { launch } from "./chromium.js";

const CLIENT = fileURLToPath(new URL("../../", import.meta.url));

/** Serves the client's files; the origin of the pages. */
async function pages(t) {
  const http = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    if (path === "/") return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>actor</title>");
    try {
      const text = await readFile(join(CLIENT, path));
      response.writeHead(200, { "content-type": "text/javascript" }).end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${http.address().port}`;
}

/** Everything that an actor can be asked for, wherever it is. */
const remote = (call) =>
  new Proxy({}, { get: (_, method) => (method === "then" ? undefined : (...args) => call(method, args)) });

/** Actors in this process. */
export async function inNode(t) {
  return {
    origin: "http://127.0.0.1:1",
    async actor(options) {
      const kept = new Map();
      const actor = new Actor({ ...options, store: kept, WebSocket });
      t.after(() => actor.close());
      return remote(async (method, args) => structuredClone(await actor[method](...args)));
    },
  };
}

/** Actors in pages of a browser: each user has a profile, and in it perhaps several pages. */
export async function inChromium(t) {
  const origin = await pages(t);
  const browser = await launch();
  t.after(() => browser.close());
  const profiles = new Map();
  return {
    origin,
    async actor({ profile, ...options }) {
      const name = profile ?? options.username;
      if (!profiles.has(name)) profiles.set(name, browser.newContext());
      const page = await (await profiles.get(name)).newPage();
      await page.goto(origin);
      await page.evaluate(async (asked) => {
        const { Actor } = await import("/tests/e2e/actor.js");
        globalThis.actor = new Actor(asked);
      }, options);
      return remote((method, args) => page.evaluate(([name, given]) => globalThis.actor[name](...given), [method, args]));
    },
  };
}
