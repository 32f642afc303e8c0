/**
 * Runs a server so that it cannot outlive the process that wanted it, however that one dies.
 *
 * A parent killed with SIGKILL runs no handler. So each server gets a guard, a small shell that
 * holds the reading end of a pipe from us: when we die the kernel closes the pipe, the guard reads
 * the end of it, kills the server (SIGKILL also ends a stopped one) and removes its directory.
 *
 * The guard is also the server's parent. Until the guard is told to `wait`, a dead server stays a
 * zombie that holds its pid, so the guard can never shoot a stranger who got the pid next; and
 * once `wait` returned, the port is free. The server's log pipe is held by the server alone: its
 * end is the news that the server is gone.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Longer than PostgreSQL gives its own processes before it kills them.
const DEAF_SECONDS = 8;

// Arguments: directory, the signal that ends it, then the command. fd 3 is the log. Words on
// stdin: reap, leave. A signal softer than KILL goes to the group, as it may be a child of the
// command that runs; and a server that does not hear it is killed after all.
const GUARD = `
dir=$1; ends=$2; shift 2
"$@" >&3 2>&3 3>&- </dev/null &
p=$!
exec 3>&-
echo "pid $p"
while read -r word; do
  case $word in
    reap) wait "$p" 2>/dev/null; p=; echo gone ;;
    leave) exit 0 ;;
  esac
done
if [ -n "$p" ]; then
  if [ "$ends" = KILL ]; then kill -9 "$p" 2>/dev/null; else
    trap "" "$ends"; kill -s "$ends" 0; kill -s CONT 0
    (sleep ${DEAF_SECONDS}; kill -9 "$p") >/dev/null 2>&1 & deaf=$!
  fi
  wait "$p" 2>/dev/null
  if [ -n "$deaf" ]; then kill "$deaf" 2>/dev/null; fi
fi
rm -rf -- "$dir"
`;

const LOG_TAIL_CHARS = 4_000;

/**
 * A new directory for one server. Removed by the guard.
 *
 * @param {string} name
 */
export function makeDir(name) {
  return mkdtempSync(join(realpathSync(tmpdir()), `quorate-${name}-`));
}

/**
 * @typedef {object} GuardedChild
 * @property {number} pid of the server
 * @property {Promise<void>} gone resolves when the server ended and was reaped
 * @property {() => string} logTail
 * @property {() => Promise<void>} kill SIGKILL to the server; the directory stays
 * @property {() => void} leave ends the guard of a dead server; the directory stays
 * @property {() => Promise<void>} end ends the server, removes the directory, ends the guard
 */

/**
 * Starts `command` under a guard.
 *
 * @param {{ dir: string, command: readonly string[], libraryDirs: readonly string[],
 *   ends?: "KILL" | "QUIT" }} options
 * @returns {Promise<GuardedChild>}
 */
export async function startGuarded({ dir, command, libraryDirs, ends = "KILL" }) {
  const env = { ...process.env };
  if (libraryDirs.length > 0) {
    const inherited = env["LD_LIBRARY_PATH"];
    env["LD_LIBRARY_PATH"] = [...libraryDirs, ...(inherited ? [inherited] : [])].join(":");
  }
  // Detached: Ctrl-C at the terminal must reach us, not the servers behind our back.
  const guard = spawn("sh", ["-c", GUARD, "quorate-guard", dir, ends, ...command], {
    stdio: ["pipe", "pipe", "ignore", "pipe"],
    detached: true,
    env,
  });
  const stdin = /** @type {import("node:stream").Writable} */ (guard.stdin);
  const log = /** @type {import("node:stream").Readable} */ (guard.stdio[3]);
  const words = createInterface({ input: /** @type {any} */ (guard.stdout) });
  stdin.on("error", () => {}); // The guard may have left already.
  unref(guard, guard.stdin, guard.stdout, log);

  let tail = "";
  log.setEncoding("utf8");
  log.on("data", (text) => (tail = (tail + text).slice(-LOG_TAIL_CHARS)));

  /** @type {Promise<void>} */
  const gone = new Promise((resolve) => {
    words.on("line", (line) => line === "gone" && resolve());
    guard.once("exit", () => resolve());
    log.once("end", () => stdin.write("reap\n"));
  });
  /** @type {Promise<number>} */
  const started = new Promise((resolve, reject) => {
    guard.once("error", reject);
    guard.once("exit", () => reject(new Error(`no guard for ${command[0]}: sh ended`)));
    words.on("line", (line) => line.startsWith("pid ") && resolve(Number(line.slice(4))));
  });
  const pid = await held(started);

  return {
    pid,
    gone,
    logTail: () => tail,
    async kill() {
      signal(pid, "SIGKILL");
      await held(gone);
    },
    leave: () => void stdin.write("leave\n"),
    async end() {
      if (guard.exitCode !== null || guard.signalCode !== null) return;
      const ended = new Promise((resolve) => guard.once("exit", resolve));
      stdin.end();
      await held(ended);
    },
  };
}

/**
 * Signals a server; one that is gone already is no error.
 *
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
export function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
  }
}

/**
 * Everything here is unreferenced, so a forgotten server never keeps a process alive. But while
 * somebody awaits its end, the event loop must not run dry under him.
 *
 * @template T
 * @param {Promise<T>} promise
 */
export async function held(promise) {
  const timer = setInterval(() => {}, 1_000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** @param {any[]} handles */
function unref(...handles) {
  for (const handle of handles) handle?.unref?.();
}
