/**
 * Sagas in a scripted world: a shop whose participants remember what was done to them.
 */
import { createWorker, type WorkerOptions } from "../kernel/worker.ts";
import { type TestProcess, World } from "../kernel/world.fixture.ts";
import { createSagas } from "./create-sagas.ts";
import { saga } from "./define.ts";
import type { AnySaga, Saga } from "./define-saga.ts";
import type { RunContext, UndoContext } from "./model.ts";
import type { Sagas, SagasOptions } from "./sagas.ts";

export { World } from "../kernel/world.fixture.ts";

/** One call of a participant. */
export interface Seen {
  /** `a do`, `a undo`. */
  readonly what: string;
  readonly key: string;
  readonly attempt: number;
  readonly fencingToken: number;
  readonly outcome: string | undefined;
  readonly process: number;
  readonly atMs: number;
}

/** What a step does, instead of answering at once. */
export type Behaviour = (context: RunContext & Partial<UndoContext>, count: number) => unknown;

/** A world with a log of all effects and scripted participants. */
export class Shop {
  readonly world: World;
  readonly seen: Seen[] = [];
  /** By `a do`, `a undo`. */
  readonly behave = new Map<string, Behaviour>();
  #processes = 0;

  constructor(seed = 1) {
    this.world = new World(seed);
  }

  /** What was done, in order. */
  get log(): string[] {
    return this.seen.map(({ what }) => what);
  }

  /** Whose turn it is in a definition. */
  act(
    name: string,
    process: () => number = () => 0,
  ): { readonly run: () => { by: string }; readonly undo: () => void } {
    const counts = new Map<string, number>();
    const does = (kind: string) => (context: unknown) => {
      const given = context as RunContext & Partial<UndoContext>;
      const what = `${name} ${kind}`;
      const count = (counts.get(what) ?? 0) + 1;
      counts.set(what, count);
      const { key, attempt, fencingToken, outcome } = given;
      const atMs = this.world.runtime.time.monotonicMs();
      const isUndo = kind === "undo";
      this.seen.push({
        ...{ what, key, attempt, fencingToken, atMs },
        outcome: isUndo ? outcome : undefined,
        process: process(),
      });
      return this.behave.get(what)?.(given, count) ?? (isUndo ? undefined : { by: name });
    };
    return { run: does("do") as never, undo: does("undo") as never };
  }

  /** A saga of steps in a row. */
  line(
    names: readonly string[],
    options: {
      readonly name?: string;
      readonly version?: number;
      readonly deadlineMs?: number;
      readonly undoOrder?: "strict" | "independent";
      readonly step?: Record<string, object>;
    } = {},
  ): Saga<{ n: number }, unknown> {
    const { name = "line", version = 1, step = {}, ...rest } = options;
    let builder: unknown = saga(name, { version, input: numbered, ...rest });
    for (const one of names) {
      const settings = { retry: { attempts: 3, baseMs: 100 }, timeoutMs: 1_000 };
      const made = { ...this.act(one), ...settings, ...step[one] };
      builder = (builder as { step(name: string, options: object): unknown }).step(one, made);
    }
    return (builder as { returns(result: object): unknown }).returns(
      ({ input }: { input: { n: number } }) => ({ n: input.n }),
    ) as Saga<{ n: number }, unknown>;
  }

  /** A process with sagas. */
  process(
    definitions: readonly AnySaga[] = [],
    options: SagasOptions & WorkerOptions = {},
  ): { readonly process: TestProcess; readonly sagas: Sagas; readonly number: number } {
    this.#processes += 1;
    const process = this.world.process();
    const { leaseMs = 3_000, scanMs = 30_000, ...rest } = options;
    const worker = createWorker(process.backend, { leaseMs, scanMs });
    const sagas = createSagas(process.backend, { worker, ...rest });
    sagas.serve(...definitions);
    return { process, sagas, number: this.#processes };
  }
}

/** An input with a number. */
export function numbered(input: { n: number }): { n: number } {
  if (typeof input?.n !== "number") throw new TypeError("n must be a number");
  return input;
}
