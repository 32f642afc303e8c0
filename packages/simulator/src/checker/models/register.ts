/**
 * A register: one value, written and read.
 *
 * `write` with the value as argument; `read` with the value as result. The commonest object of
 * all: a key of a store whose writes have no condition.
 */
import type { Json } from "@quorate/core";
import { sameJson } from "../json-text.ts";
import { type Model, notInModel, only, to } from "../model.ts";

/** Options of `register` and `casRegister`. */
export interface RegisterOptions {
  /** The value before any write. @default null */
  readonly initial?: Json;
}

/**
 * Model of a register: `write value`, `read → value`.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "write", v: 1 },
 *   { t: 1, p: "a", op: 0, type: "ok", f: "write" },
 *   { t: 2, p: "b", op: 1, type: "invoke", f: "read" },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "read", v: null },
 * ]);
 * console.log(checkLinearizable(history, register()).verdict); // illegal: the write was over
 */
export function register(options: RegisterOptions = {}): Model<Json> {
  return {
    name: "register",
    initial: options.initial ?? null,
    step(value, operation) {
      const { f, argument, result, outcome } = operation;
      if (f === "write") return to(argument);
      if (f !== "read") throw notInModel("register", operation);
      return only(outcome === "unknown" || sameJson(value, result), value);
    },
    hint({ f, argument, result, outcome }) {
      if (f === "write") return { kind: "assign", to: argument };
      return outcome === "unknown" ? { kind: "observe" } : { kind: "observe", in: result };
    },
    describe: describeRegister,
  };
}

/** Register operations as a reader writes them. */
export function describeRegister({
  f,
  argument,
  result,
  outcome,
}: {
  readonly f: string;
  readonly argument: Json;
  readonly result: Json;
  readonly outcome: "ok" | "unknown";
}): string {
  const asked = argument === null ? f : `${f} ${JSON.stringify(argument)}`;
  if (outcome === "unknown") return `${asked} → ?`;
  return f === "write" && result === null ? asked : `${asked} → ${JSON.stringify(result)}`;
}
