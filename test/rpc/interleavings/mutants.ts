/**
 * Mistakes that one can make in an rpc, each of a line or two, and the plan that must find it.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import { bundle } from "../../zoo/hunt.ts";
import type { Edit } from "../../zoo/specimen.ts";
import type { Plan } from "./plan.ts";
import type { Bounds, Report } from "./search.ts";

/** A mistake. */
export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly plan: Plan;
  /** What the explorer says of it. */
  readonly told: RegExp;
}

const CAGE = join(import.meta.dirname, "cage.ts");
const RPC = "packages/rpc/src";
const edit = (file: string, find: string, replace: string): Edit => ({
  file: `${RPC}/${file}`,
  find,
  replace,
});
const one = (kind: "unsafe" | "safe" | "keyed", plan: Partial<Plan> = {}): Plan => ({
  name: kind,
  clients: [[kind]],
  servers: 2,
  faults: [],
  maxFaults: 1,
  ...plan,
});

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a server runs what comes twice",
    edits: [edit("server/reception.ts", "!life.seen.isNew(request.id)", "false")],
    plan: one("unsafe", { faults: ["duplicate"] }),
    told: /an unsafe call ran 2 times/,
  },
  {
    name: "a duplicate is told that nothing ran",
    edits: [
      edit(
        "server/reception.ts",
        'return this.#drop("duplicate", request.method);',
        'return this.#send(respond, failed(failure("OVERLOADED", "none")));',
      ),
    ],
    plan: one("unsafe", { faults: ["duplicate"] }),
    told: /ran 2 times|told as none, and ran/,
  },
  {
    name: "a late answer settles the next call",
    edits: [
      edit(
        "client/connection.ts",
        "sent.timeoutMs, flight);",
        "sent.timeoutMs, { onError: (error) => flight.onError(error), " +
          "onAnswer: (data) => ([...this.#flying].at(-1) ?? flight).onAnswer(data) });",
      ),
    ],
    plan: one("unsafe", { clients: [["unsafe", "unsafe"]], servers: 1, faults: ["abort"] }),
    told: /answered with that of/,
  },
  {
    name: "an unsafe call whose instance died is made again",
    edits: [edit("client/caller.ts", "repeat: call.method.repeat,", 'repeat: "safe",')],
    plan: one("unsafe", { byEndpoints: true, faults: ["crash"] }),
    told: /an unsafe call ran 2 times/,
  },
  {
    name: "what a handler threw is told as not having happened",
    edits: [edit("wire/to-failure.ts", 'effectOf(error) ?? "unknown"', '"none"')],
    plan: one("unsafe", { servers: 1, faults: ["fail"] }),
    told: /told as none, and ran|ran \d times/,
  },
  {
    name: "silence is told as not having happened",
    edits: [
      edit(
        "client/caller.ts",
        "call.mayHaveRun = true;\n    if (!isQuorateError(error)) return error;",
        "call.mayHaveRun ||= false;\n    if (!isQuorateError(error)) return error;",
      ),
      edit(
        "client/caller.ts",
        "return this.#timeout(call, error.effect);\n    }",
        'return this.#timeout(call, "none");\n    }',
      ),
      edit("client/caller.ts", 'call.isSent ? error.effect : "none"', '"none"'),
    ],
    plan: one("unsafe", { servers: 1, faults: ["lose"] }),
    told: /told as none, and ran/,
  },
  {
    name: "the last attempt speaks for all",
    edits: [edit("client/caller.ts", "if (!mayHaveRun || ", "if (mayHaveRun || ")],
    plan: one("safe", { faults: ["crash"], maxFaults: 2 }),
    told: /told as none, and ran/,
  },
  {
    name: "keys are not claimed",
    edits: [edit("server/run-call.ts", 'handled.method.repeat === "keyed"', "false")],
    plan: one("keyed", { faults: ["lose"] }),
    told: /2 runs under one key/,
  },
  {
    name: "each server has keys of its own",
    edits: [
      edit(
        "keyed/keyed-calls.ts",
        "const name = `rpc/${contract.name}`;",
        "const name = `rpc/${contract.name}/${backend.runtime.ids.operation()}`;",
      ),
    ],
    plan: one("keyed", { faults: ["lose"] }),
    told: /2 runs under one key/,
  },
];

/** Explores our code with a mistake in it. */
export async function exploreMutant(mutant: Mutant, bounds: Bounds): Promise<Report> {
  const program = await bundle(mutant, CAGE);
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const worker = new Worker(url, { workerData: { plan: mutant.plan, bounds } });
  try {
    return await new Promise<Report>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
      worker.once("exit", () => reject(new Error("the worker ended without a word")));
    });
  } finally {
    await worker.terminate();
  }
}
