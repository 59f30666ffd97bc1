// The service, a bus for it, and where its clients run: each a process of its
// own on a port that was free, stopped by its id.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { launch } from "puppeteer-core";
import { WebSocket } from "ws";
import { Actor } from "./actor.js";

const CLIENT = fileURLToPath(new URL("../../", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "rooms-e2e-"));
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/** A process, once it has printed a line that matches; `found` is the match. */
async function start(t, command, args, { cwd, env, ready, from }) {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const process = {
    async stop(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
    },
  };
  t.after(() => process.stop("SIGKILL"));
  const log = [];
  child[from === "stdout" ? "stderr" : "stdout"].on("data", (data) => log.push(data));
  process.found = await new Promise((resolve, reject) => {
    child.on("error", reject);
    createInterface(child[from]).on("line", (line) => {
      log.push(`${line}\n`);
      const found = ready.exec(line);
      if (found) resolve(found);
    });
    ended.then(() => reject(new Error(`${command} ended: ${log.join("")}`)), reject);
  });
  return process;
}

/** The service under test, which can be stopped, and started again where it was. */
export class Service {
  #t;
  #env;
  #cwd;
  #process;

  static async start(t, env = {}) {
    const binary = process.env.SERVER_BINARY;
    if (!binary) throw new Error("SERVER_BINARY has to name the service's binary");
    const service = new Service();
    service.#t = t;
    service.#cwd = await folder(t);
    service.#env = {
      GATEWAY_BIND_ADDR: "127.0.0.1:0",
      APP__SHUTDOWN__CLOSE_JITTER: "100ms",
      APP__PASSWORDS__MEMORY_KIB: "8192",
      APP__PASSWORDS__ITERATIONS: "1",
      ...env,
    };
    await service.start();
    return service;
  }

  async start() {
    this.#process = await start(this.#t, process.env.SERVER_BINARY, [], {
      cwd: this.#cwd, env: this.#env, from: "stdout", ready: /^listening on http:\/\/(\S+)/,
    });
    this.address = this.#process.found[1];
    this.#env = { ...this.#env, GATEWAY_BIND_ADDR: this.address };
  }

  async stop(signal) {
    await this.#process.stop(signal);
  }
}

/** A NATS server with JetStream; its URL. */
export async function nats(t) {
  const cwd = await folder(t);
  const args = ["-js", "-a", "127.0.0.1", "-p", "-1", "-sd", cwd];
  const { found } = await start(t, "nats-server", args, {
    cwd, env: { PATH: process.env.PATH }, from: "stderr", ready: /Listening for client connections on (\S+)/,
  });
  return `nats://${found[1]}`;
}

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
  const browser = await launch({
    executablePath: CHROMIUM, headless: true, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
  t.after(() => browser.close());
  const profiles = new Map();
  return {
    origin,
    async actor({ profile, ...options }) {
      const name = profile ?? options.username;
      if (!profiles.has(name)) profiles.set(name, browser.createBrowserContext());
      const page = await (await profiles.get(name)).newPage();
      await page.goto(origin);
      await page.evaluate(async (asked) => {
        const { Actor } = await import("/tests/e2e/actor.js");
        globalThis.actor = new Actor(asked);
      }, options);
      return remote((method, args) => page.evaluate((name, given) => globalThis.actor[name](...given), method, args));
    },
  };
}
