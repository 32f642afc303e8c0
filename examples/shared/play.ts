/**
 * Plays an example on an engine, and says whether all was as it promises.
 */
import { type Ms, systemRuntime } from "@quorate/core";
import type { Actor, Example, Role, Stage, StartOptions } from "./example.ts";
import { type Troupe, troupeInMemory, troupeOf } from "./players.ts";

/** The engines on which examples play. */
export type EngineName = "memory" | "redis" | "nats";

/** How an example is played. */
export interface PlayOptions {
  readonly engine: EngineName;
  /** The server, unless the engine is memory. */
  readonly url?: string;
  /** Takes each line. */
  readonly print: (line: string) => void;
  /** A story that has not ended by then has failed. @default 45000 */
  readonly patienceMs?: Ms;
}

/** What became of it. */
export interface Verdict {
  /** Claims that were checked. */
  readonly checked: number;
  /** Empty: all was as promised. */
  readonly problems: readonly string[];
}

/** Plays `examples/<name>/main.ts`. Everything that it started has ended when this resolves. */
export async function play(name: string, options: PlayOptions): Promise<Verdict> {
  const file = new URL(`../${name}/main.ts`, import.meta.url);
  return perform((await import(file.href)) as Example, openTroupe(file, name, options), {
    ...options,
    name,
  });
}

/** Plays `example` with players of `troupe`, which is closed in the end. */
export async function perform(
  example: Example,
  troupe: Troupe,
  { name, engine, print, patienceMs = 45_000 }: PlayOptions & { readonly name: string },
): Promise<Verdict> {
  const { time } = systemRuntime;
  const beganMs = time.monotonicMs();
  const seconds = (): string => ((time.monotonicMs() - beganMs) / 1_000).toFixed(2);
  const actors: Actor[] = [];
  const problems: string[] = [];
  let checked = 0;
  const stage: Stage = {
    engine: troupe.engine,
    options: troupe.options,
    async start<Message>(role: Role<Message>, label: string, start?: StartOptions<Message>) {
      const actor = await troupe.start(role, label, start);
      actors.push(actor);
      return actor;
    },
    say: (line) => print(`${seconds().padStart(6)} s  ${line}`),
    check(claim, holds) {
      checked += 1;
      if (!holds) problems.push(claim);
      print(`          ${holds ? "✓" : "✗"} ${claim}`);
    },
  };

  print(`${name}, on ${engine}`);
  const patience = new AbortController();
  try {
    await Promise.race([example.play(stage), expiry(patienceMs, patience.signal)]);
  } catch (error) {
    problems.push(String(error));
    print(`          ✗ ${error instanceof Error ? error.stack : String(error)}`);
  }
  patience.abort();
  // What it did not end itself; all of it is ours.
  await Promise.allSettled(actors.map((actor) => actor.kill()));
  await troupe.close();
  if (checked === 0) problems.push("nothing was checked");
  const end = problems.length === 0 ? "as promised" : `${problems.length} promises broken`;
  print(`${problems.length === 0 ? "✓" : "✗"} ${name}: ${end}, in ${seconds()} s`);
  return { checked, problems };
}

function openTroupe(file: URL, name: string, { engine, url = "" }: PlayOptions): Troupe {
  if (engine === "memory") return troupeInMemory(file);
  return troupeOf(file, url, `${name}-${systemRuntime.ids.operation()}`);
}

function expiry(ms: Ms, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new Error(`the story did not end in ${ms} ms`));
    const timer = systemRuntime.time.setTimer(ms, fail);
    signal.addEventListener("abort", () => timer.cancel());
  });
}
