/**
 * Runs a program as a group of processes that ends with us, however we end.
 *
 * The program gets a shell as its parent and a process group of its own. The shell's helper reads
 * a pipe that only we hold open; when we are gone it kills the whole group: the test runner, its
 * workers, and by the same trick in `servers/child.mjs` every server that they started.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const STOP_GRACE_MS = 2_000;

// fd 3 is the pipe from us. A shell gives its background children no stdin, so it is kept as fd 4.
// The trap keeps the shell alive over Ctrl-C until the program has had its say. It waits before it
// looks: a program that has ended already has a code all the same.
const GUARD = `
exec 4<&0
trap : INT TERM
( trap '' INT TERM; cat <&3 >/dev/null; kill -9 -$$ ) 4<&- &
watcher=$!
"$@" <&4 3<&- 4<&- &
p=$!
exec 3<&- 4<&-
while :; do wait "$p"; code=$?; kill -0 "$p" 2>/dev/null || break; done
trap '' TERM
kill -9 "$watcher" 2>/dev/null
kill -TERM -$$ 2>/dev/null
exit $code
`;

/** @type {Set<{ pid: number, ended: Promise<unknown> }>} */
const running = new Set();

/**
 * Path of a program that npm installed.
 *
 * @param {string} name
 */
export function tool(name) {
  return join(ROOT, "node_modules", ".bin", name);
}

/**
 * Runs a program in the repository's root.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, cwd?: string, capture?: boolean }} [options]
 *   `capture` collects stdout and stderr instead of showing them
 * @returns {Promise<{ code: number, output: string }>}
 */
export async function runTask(program, args, { env = {}, cwd = ROOT, capture = false } = {}) {
  const show = capture ? "pipe" : "inherit";
  const child = spawn("sh", ["-c", GUARD, "quorate-task", program, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [capture ? "ignore" : "inherit", show, show, "pipe"],
    detached: true,
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text) => (output += text));
  child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
  /** @type {Promise<number>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
    // The pipe must not keep "close" waiting once the shell is gone.
    child.once("exit", () => child.stdio[3]?.destroy());
  });
  child.stdio[3]?.on("error", () => {});
  const entry = { pid: child.pid ?? 0, ended };
  running.add(entry);
  try {
    return { code: await ended, output };
  } finally {
    running.delete(entry);
  }
}

/**
 * Passes a signal on to every task and waits for their end, with force after a short grace.
 *
 * @param {NodeJS.Signals} name
 */
export async function stopTasks(name) {
  for (const { pid } of running) signalGroup(pid, name);
  const timer = setTimeout(() => {
    for (const { pid } of running) signalGroup(pid, "SIGKILL");
  }, STOP_GRACE_MS);
  await Promise.allSettled([...running].map(({ ended }) => ended));
  clearTimeout(timer);
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signalGroup(pid, name) {
  try {
    process.kill(-pid, name);
  } catch {
    // Gone already.
  }
}
