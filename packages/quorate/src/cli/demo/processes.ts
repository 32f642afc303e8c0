/**
 * Demos in real processes: this program again, with a channel to its parent.
 *
 * Guarantees: none outlives its parent. A child whose channel breaks ends by itself, also in the
 * middle of a freeze; the parent kills those that are left when it exits.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readSync } from "node:fs";
import type { Writable } from "node:stream";
import { sleep, systemRuntime } from "@quorate/core";
import { type FromPod, play, type PodFacts, type ToPod } from "./pod.ts";
import type { Hire } from "./stage.ts";
import type { Demo } from "./story.ts";

const POD_VARIABLE = "QUORATE_DEMO_POD";
/** The pipe beside the channel, whose end ends a freeze. */
const THAW_FD = 4;
const LOOK_MS = 20;
const GOODBYE_MS = 2_000;

type Environment = Readonly<Record<string, string | undefined>>;

const alive = new Set<ChildProcess>();
const killAll = (): void => {
  for (const child of alive) child.kill("SIGKILL");
};

/** Starts processes of `program`. */
export function processesOf(program: string, env: Environment): Hire {
  return (facts, hear) => {
    const child = fork(program, ["demo", facts.demo], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc", "pipe"],
      env: { ...env, [POD_VARIABLE]: JSON.stringify(facts) },
    });
    if (alive.size === 0) process.once("exit", killAll);
    alive.add(child);
    const exited = once(child, "exit").then(([code, signal]) => {
      alive.delete(child);
      if (alive.size === 0) process.off("exit", killAll);
      return String(signal ?? code);
    });
    child.on("message", (message: FromPod) => hear(message));
    return {
      exited,
      // What is said to one who is gone is lost, as it should be.
      send: (message) => void (child.connected && child.send(message, () => {})),
      kill: () => void child.kill("SIGKILL"),
      thaw: () => void (child.stdio[THAW_FD] as Writable | null | undefined)?.end("!"),
      release: () => {
        if (child.connected) child.disconnect();
      },
    };
  };
}

/** Whether this process is one of a demo's. */
export function isPod(env: Environment): boolean {
  return env[POD_VARIABLE] !== undefined && process.send !== undefined;
}

/** Plays this process's role. */
export async function playPod(env: Environment, demos: readonly Demo[]): Promise<0 | 1> {
  const facts = JSON.parse(env[POD_VARIABLE] ?? "{}") as PodFacts;
  // A process whose parent is gone plays for nobody.
  const orphaned = (): void => process.exit(1);
  process.on("disconnect", orphaned);
  if (!process.connected) orphaned(); // It went before we were there.
  const isWell = await play(facts, demos, {
    freeze,
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    listen: (hear) => void process.on("message", (message: ToPod) => hear(message)),
  });
  const released = new AbortController();
  process.off("disconnect", orphaned);
  process.once("disconnect", () => released.abort());
  // The last words have to get through first.
  const { signal } = released;
  await sleep(systemRuntime, GOODBYE_MS, { keepAlive: false, signal }).catch(() => {});
  return isWell ? 0 : 1;
}

/**
 * Reads a byte that the parent writes when it is time: until then nothing of this process runs. A
 * parent that is gone ends the freeze too.
 */
function freeze(): void {
  for (;;) {
    try {
      readSync(THAW_FD, Buffer.alloc(1));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    }
  }
}
