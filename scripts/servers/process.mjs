/**
 * A server process as tests see it: start, kill, restart on the same port and data, pause, stop.
 *
 * What differs between servers (command line, readiness, how they end) comes in as a recipe.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";

import { makeDir, signal, startGuarded } from "./child.mjs";
import { freePort } from "./ports.mjs";
import { until } from "./wire.mjs";

/** @import { Binary, ServerProcess, Wrapper } from "./types.ts" */

/**
 * @typedef {object} Recipe
 * @property {string} name "redis", "nats" or "postgres", for directory names and messages
 * @property {Binary} binary
 * @property {string} scheme of the URL
 * @property {{ user: string, database: string }} [account] for the URL
 * @property {number | undefined} port taken as it is, or drawn if absent
 * @property {number} [busOffset] a second port that must be free as well
 * @property {(place: { port: number, dir: string }) => readonly string[]} args
 * @property {(port: number) => Promise<boolean>} ready
 * @property {Wrapper | undefined} [wrapper]
 * @property {string} [program] stands between the wrapper and the arguments; the binary if absent
 * @property {"KILL" | "QUIT"} [ends] what ends it for good; a server of several processes needs
 *   QUIT, and is paused with all of them
 */

// Between drawing a port and binding it another process can take it; then we draw again.
const START_ATTEMPTS = 5;

const STOP_TIMEOUT_MS = 1_000;

/**
 * Starts a server and waits until it is ready.
 *
 * @param {Recipe} recipe
 * @returns {Promise<ServerProcess>}
 */
export async function startProcess(recipe) {
  for (let attempt = 1; ; attempt++) {
    const port = recipe.port ?? (await freePort({ busOffset: recipe.busOffset ?? 0 }));
    const dir = makeDir(recipe.name);
    const server = new GuardedServer(recipe, port, dir);
    try {
      await server.restart();
      return server;
    } catch (error) {
      const taken = /address already in use/i.test(server.logTail());
      await server.stop();
      if (!taken || recipe.port !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** @implements {ServerProcess} */
class GuardedServer {
  #recipe;
  /** @type {import("./child.mjs").GuardedChild | undefined} */
  #child;
  #running = false;
  #stopped = false;

  /**
   * @param {Recipe} recipe
   * @param {number} port
   * @param {string} dir
   */
  constructor(recipe, port, dir) {
    this.#recipe = recipe;
    this.host = /** @type {const} */ ("127.0.0.1");
    this.port = port;
    this.dir = dir;
    const { scheme, account } = recipe;
    const user = account === undefined ? "" : `${account.user}@`;
    const database = account === undefined ? "" : `/${account.database}`;
    this.url = `${scheme}://${user}127.0.0.1:${port}${database}`;
    this.version = recipe.binary.version;
  }

  get pid() {
    if (this.#child === undefined) throw new Error(`${this.#recipe.name} was never started`);
    return this.#child.pid;
  }

  logTail() {
    return this.#child?.logTail() ?? "";
  }

  async kill() {
    await this.#child?.kill();
  }

  async restart() {
    if (this.#stopped) throw new Error(`${this.#recipe.name} was stopped; start a new one`);
    await this.kill();
    const previous = this.#child;
    const { name, binary, args, ready, wrapper, program, ends = "KILL" } = this.#recipe;
    const place = { port: this.port, dir: this.dir };
    const command = [...(wrapper?.(place) ?? []), program ?? binary.path, ...args(place)];
    const child = await startGuarded({
      dir: this.dir,
      command,
      libraryDirs: binary.libraryDirs,
      ends,
    });
    this.#child = child;
    // Only now: the directory always has at least one guard that removes it if we die.
    previous?.leave();
    this.#running = true;
    void child.gone.then(() => {
      if (this.#child === child) this.#running = false;
    });
    await until(`${name} on port ${this.port}`, () => ready(this.port), {
      gaveUp: () => (this.#running ? undefined : `it ended at once:\n${child.logTail()}`),
    });
  }

  pause() {
    // The first one first: it must not start more while we stop them.
    signal(this.pid, "SIGSTOP");
    awaitStopped(this.pid);
    for (const pid of this.#helpers()) {
      signal(pid, "SIGSTOP");
      awaitStopped(pid);
    }
  }

  resume() {
    for (const pid of [...this.#helpers(), this.pid]) signal(pid, "SIGCONT");
  }

  /** The processes of a server that has several. */
  #helpers() {
    const file = `/proc/${this.pid}/task/${this.pid}/children`;
    if (this.#recipe.ends === undefined || !existsSync(file)) return [];
    return readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number);
  }

  async stop() {
    this.#stopped = true;
    // Else it could not hear a signal that asks.
    if (this.#recipe.ends !== undefined && this.#running) this.resume();
    await this.#child?.end();
  }
}

/**
 * The signal only asks: a thread on another core runs on for a moment, long enough to answer a
 * request that a test sends next. So we look until every thread stands.
 *
 * @param {number} pid
 */
function awaitStopped(pid) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return; // Not Linux, or gone.
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  const stands = (/** @type {string} */ id) => {
    try {
      return /\) [TtZ] /.test(readFileSync(`${tasks}/${id}/stat`, "utf8"));
    } catch {
      return true; // The thread ended.
    }
  };
  while (!readdirSync(tasks).every(stands)) {
    if (performance.now() > deadlineMs) throw new Error(`pid ${pid} does not stop`);
  }
}
