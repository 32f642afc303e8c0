/**
 * Closing in the right order: what takes work in first, what others stand on last.
 *
 * A service that is told to stop (SIGTERM) should take nothing new, hand its leaderships over at
 * once, finish or give back what it holds, say goodbye, and only then let go of the store: each
 * stage needs the ones after it. Stages share one grace; what is left of it goes to the next.
 *
 * Guarantees: every part is closed, also when another's close fails, and the first failure is
 * thrown in the end. Does not guarantee that work ends within the grace: what has not is cut off as
 * the part's own `close` says.
 */
import type { Ms, Runtime } from "@quorate/core";

/** The order of closing. */
export const STAGES = ["intake", "leaders", "work", "calls", "holds", "presence"] as const;

/** When a part is closed. */
export type Stage = (typeof STAGES)[number];

/** Something that can be closed within a grace. */
export interface Closable {
  close(options: { readonly graceMs: Ms }): Promise<unknown>;
}

/** All parts of one connection, and their end. */
export class Closing {
  readonly #time: Runtime["time"];
  readonly #parts = new Map<Stage, Set<Closable>>(STAGES.map((stage) => [stage, new Set()]));

  constructor({ time }: Pick<Runtime, "time">) {
    this.#time = time;
  }

  /** Closes `part` at its stage, from now on. */
  add<T extends Closable>(stage: Stage, part: T): T {
    this.#parts.get(stage)?.add(part);
    return part;
  }

  /** Closes everything, stage by stage. @throws the first error of a part */
  async close(graceMs: Ms): Promise<void> {
    const endMs = this.#time.monotonicMs() + graceMs;
    const failures: unknown[] = [];
    for (const stage of STAGES) {
      const parts = [...(this.#parts.get(stage) ?? [])];
      const leftMs = Math.max(0, endMs - this.#time.monotonicMs());
      const ends = await Promise.allSettled(parts.map((part) => part.close({ graceMs: leftMs })));
      for (const end of ends) if (end.status === "rejected") failures.push(end.reason);
    }
    if (failures.length > 0) throw failures[0];
  }
}
