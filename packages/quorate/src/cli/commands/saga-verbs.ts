/**
 * An operator's verbs on sagas, from outside: carried out by a process that serves the definition,
 * which is asked over the bus.
 */
import { invalidArgument, type Json } from "@quorate/core";
import type { SagaControl, VerbOptions } from "@quorate/transaction";
import type { CommandOption, Context, StoreCommand } from "../command.ts";
import { BY_HAND, byHand } from "./by-hand.ts";

const ANSWER_MS = 5_000;

const OPTIONS: readonly CommandOption[] = [
  ...BY_HAND,
  {
    name: "timeout",
    value: "MS",
    summary: `how long to wait for the answer  @default ${ANSWER_MS}`,
  },
];

const DETAILS =
  "A process that serves the saga's definition carries it out: connect() of quorate listens for " +
  "it, createSagas() with remoteVerbs. It is kept in the saga's audit with --by and --why.";

/** What a verb of the command line is made of. */
type Parts = Pick<
  StoreCommand,
  "path" | "args" | "summary" | "warning" | "options" | "examples"
> & {
  readonly act: (saga: SagaControl, by: VerbOptions, context: Context) => Promise<void>;
};

function verb({ act, options = [], ...parts }: Parts): StoreCommand {
  return {
    ...parts,
    details: DETAILS,
    options: [...options, ...OPTIONS],
    async run(context) {
      const [id = ""] = context.args;
      const by = byHand(context);
      const timeoutMs = timeoutOf(context.option("timeout"));
      const { signal } = context.terminal;
      const saga = await context.q.sagas.remote(id, { timeoutMs, signal });
      if (saga === undefined) {
        context.show([], `there is no saga ${id}`);
        return 1;
      }
      await act(saga, by, context);
      const after = await context.q.sagas.inspect(id);
      const stuck = after?.stuck.map(({ what }) => what).join(", ");
      context.show([{ id, verb: parts.path[1], state: after?.state, stuck }], "");
      return 0;
    },
  };
}

const retry = verb({
  path: ["saga", "retry"],
  args: ["id"],
  summary: "tries at once what waits or is parked",
  options: [{ name: "step", value: "STEP", summary: "only this one, as charge or charge:undo" }],
  examples: ['quorate saga retry order-42 --why "the card provider is back"'],
  act: (saga, by, { option }) => saga.retry(option("step"), by),
});

const skip = verb({
  path: ["saga", "skip"],
  args: ["id", "step"],
  summary: "goes on without a step, or without an undo",
  warning: ([id = "", step = ""]) =>
    `This makes ${id} go on WITHOUT ${step}: it is not done, and not undone either.\n` +
    "What it would have done is yours to see to.",
  act: (saga, by, { args: [, step = ""] }) => saga.skip(step, by),
});

const resolve = verb({
  path: ["saga", "resolve"],
  args: ["id", "step"],
  summary: "you know that the step took effect, or that the undo is done",
  options: [{ name: "output", value: "JSON", summary: "what the step would have returned" }],
  examples: [
    `quorate saga resolve order-42 charge --output '{"charge":"ch_1"}' --why "seen at the bank"`,
  ],
  act: (saga, by, { args: [, step = ""], option }) =>
    saga.resolve(step, jsonOf("--output", option("output")), by),
});

const abort = verb({
  path: ["saga", "abort"],
  args: ["id"],
  summary: "turns back: everything done is undone; not once the pivot may have begun",
  warning: ([id = ""]) =>
    `This turns ${id} back: all of its steps that took effect are UNDONE, and it ends compensated.`,
  act: (saga, by) => saga.cancel(by),
});

const force = verb({
  path: ["saga", "force"],
  args: ["id", "state"],
  summary: "ends it as it is, done or compensated: the last resort",
  options: [{ name: "result", value: "JSON", summary: "of a saga that is forced to be done" }],
  warning: ([id = "", state = ""]) =>
    `This ends ${id} as ${state} AS IT IS: nothing more is done, and nothing is undone.\n` +
    "Whatever of it is half done stays half done.",
  act: async (saga, by, { args: [, state = ""], option }) => {
    if (state !== "done" && state !== "compensated") {
      throw invalidArgument("state", state, "done or compensated");
    }
    const result = jsonOf("--result", option("result"));
    await saga.force(state, { ...by, ...(result !== undefined && { result }) });
  },
});

/** The verbs. */
export const SAGA_VERBS: readonly StoreCommand[] = [retry, skip, resolve, abort, force];

function jsonOf(option: string, text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw invalidArgument(option, text, `JSON, as '{"id":7}' or '"text"'`);
  }
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return ANSWER_MS;
  const timeoutMs = Number(text);
  if (Number.isFinite(timeoutMs) && timeoutMs > 0) return timeoutMs;
  throw invalidArgument("--timeout", text, "milliseconds > 0");
}
