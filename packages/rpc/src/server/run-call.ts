/**
 * Runs one call: input checked, key claimed where it has one, handler run, output checked.
 *
 * Everything that is synchronous stays so: a schema that answers at once and a handler that
 * returns a plain value cost no turn of the loop.
 */
import type { Call } from "@quorate/resilience";
import type { Parse } from "../contract.ts";
import type { Handled, KeyedRuns } from "./hooks.ts";
import type { Incoming } from "./incoming.ts";
import type { KeyedRun } from "./keyed-run.ts";
import { mismatch } from "./told.ts";

/** The output of `call`, as its schema makes it; throws or rejects with what its caller is told. */
export function runUnary(
  call: Incoming,
  handled: Handled,
  keyed: KeyedRuns | undefined,
  live: Call,
): unknown {
  call.begin(live);
  return whenParsed(handled.method.input, call.request.input, call, "input", (input) =>
    handled.method.repeat === "keyed"
      ? runKeyed(call, input, handled, keyed)
      : runOnce(call, input, handled),
  );
}

/** What the schema makes of `value`, handed to `next`. */
export function whenParsed(
  parse: Parse,
  value: unknown,
  call: Incoming,
  word: "input" | "output",
  next: (value: unknown) => unknown,
): unknown {
  const parsed = parse(value);
  if (parsed instanceof Promise) {
    return parsed.then((later) => {
      if (!later.ok) throw mismatch(call, word, later.issues);
      return next(later.value);
    });
  }
  if (!parsed.ok) throw mismatch(call, word, parsed.issues);
  return next(parsed.value);
}

function runKeyed(
  call: Incoming,
  input: unknown,
  handled: Handled,
  keyed: KeyedRuns | undefined,
): unknown {
  if (call.key === undefined) throw mismatch(call, "key", "there is none");
  if (keyed === undefined) throw mismatch(call, "key", "this server keeps no keys");
  const work = async (run: KeyedRun): Promise<unknown> => {
    call.beginKeyed(run);
    return runOnce(call, input, handled);
  };
  return keyed.run(call, input, work);
}

function runOnce(call: Incoming, input: unknown, { handler, method }: Handled): unknown {
  const returned = call.within(() => handler(input, call));
  if (!isThenable(returned)) return whenParsed(method.output, returned, call, "output", itself);
  return returned.then((value) => whenParsed(method.output, value, call, "output", itself));
}

function itself(value: unknown): unknown {
  return value;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return typeof (value as Partial<PromiseLike<unknown>>).then === "function";
}
