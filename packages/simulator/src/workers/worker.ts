/**
 * A thread that runs seeds: the other end of `simulateInWorkers`, which starts it.
 *
 * Not to be imported: it is an entry of its own because a thread begins with a file. It loads the
 * module that it was told of, asks it for the options, and runs one chunk of seeds after another.
 */
import { parentPort, workerData } from "node:worker_threads";
import { invalidArgument } from "@quorate/core";
import { installGuard } from "../kernel/guard.ts";
import { turnOfTheLoop } from "../kernel/host.ts";
import { runSeed, type SeedOptions, type SeedOutcome } from "../run/run-seed.ts";
import {
  type Chunk,
  plainError,
  type SeedReport,
  type ThreadData,
  type ThreadMessage,
} from "./protocol.ts";

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
const tell = (message: ThreadMessage): void => parentPort?.postMessage(message);

/** Once in the thread's life, with the first chunk: its failure is told as the chunk's. */
let loading: Promise<SeedOptions> | undefined;

parentPort?.on("message", (chunk: Chunk) => {
  loading ??= load(workerData as ThreadData);
  void loading
    .then((options) => run(options, chunk))
    .then(
      () => tell({ kind: "done" }),
      (error: unknown) => tell({ kind: "broken", error: plainError(error) }),
    );
});

async function load({ module, exported, args }: ThreadData): Promise<SeedOptions> {
  const loaded = (await import(module)) as Readonly<Record<string, unknown>>;
  const scenario = Object.hasOwn(loaded, exported) ? loaded[exported] : undefined;
  if (typeof scenario !== "function") {
    throw invalidArgument("export", exported, `the name of a function that ${module} exports`);
  }
  const options = await (scenario as (args: unknown) => Promise<SeedOptions>)(args);
  installGuard(); // Once, for as long as the thread lives: all that it does is run seeds.
  return options;
}

async function run(options: SeedOptions, { from, seeds, collect }: Chunk): Promise<void> {
  for (const [offset, seed] of seeds.entries()) {
    const index = from + offset;
    const outcome = reportOf(await runSeed(options, seed, index === 0));
    tell({ kind: "seed", index, outcome });
    if (outcome.failure !== undefined && !collect) return;
    await turnOfTheLoop();
  }
}

function reportOf({ result, failure }: SeedOutcome): SeedReport {
  const { seed, hash, events, simulatedMs, elapsedMs, counts } = result;
  const summary = { seed, hash, events, simulatedMs, elapsedMs, counts };
  if (failure === undefined) return { summary };
  const { cause, ...rest } = failure.violation;
  const violation = cause === undefined ? rest : { ...rest, cause: plainError(cause) };
  return { summary, failure: { ...failure, violation } };
}
