// The service: a process of its own on a port that was free, stopped by its id.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A folder that goes with the test. */
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "rooms-e2e-"));
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/** A process, once it has printed a line that matches; `found` is the match. */
export async function start(t, command, args, { cwd, env, ready, from }) {
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
