/**
 * A register with compare-and-set.
 *
 * `cas` has the argument `[expected, value]` and the result `true` (it was as expected, and is
 * `value` now) or `false` (it was not, and nothing was written). A refusal is an observation, so
 * it is an `ok` with result `false`, not a `fail`: it tells that the value was another one.
 */
import type { Json } from "@quorate/core";
import { sameJson } from "../json-text.ts";
import { type Model, type ModelOperation, notInModel, only, to } from "../model.ts";
import { describeRegister, register, type RegisterOptions } from "./register.ts";

/**
 * Model of a compare-and-set register: `write value`, `read → value`,
 * `cas [expected, value] → true | false`.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "cas", v: [0, 1] },
 *   { t: 1, p: "b", op: 1, type: "invoke", f: "cas", v: [0, 2] },
 *   { t: 2, p: "a", op: 0, type: "ok", f: "cas", v: true },
 *   { t: 3, p: "b", op: 1, type: "ok", f: "cas", v: true },
 * ]);
 * console.log(checkLinearizable(history, casRegister({ initial: 0 })).verdict); // illegal
 */
export function casRegister(options: RegisterOptions = {}): Model<Json> {
  const plain = register(options);
  return {
    ...plain,
    name: "compare-and-set register",
    step(value, operation) {
      if (operation.f !== "cas") return plain.step(value, operation);
      const [expected, wanted] = casOf(operation);
      const equal = sameJson(value, expected);
      if (refused(operation)) return only(!equal, value);
      return equal ? to(wanted) : only(false, value);
    },
    hint(operation) {
      if (operation.f !== "cas") return plain.hint?.(operation);
      if (refused(operation)) return { kind: "observe" };
      return { kind: "move", from: casOf(operation)[0] };
    },
    describe: describeRegister,
  };
}

function refused({ result, outcome }: ModelOperation): boolean {
  return outcome === "ok" && result === false;
}

function casOf(operation: ModelOperation): readonly [Json, Json] {
  const { argument, result, outcome } = operation;
  const answered = outcome === "unknown" || typeof result === "boolean";
  if (answered && Array.isArray(argument) && argument.length === 2) {
    return argument as unknown as readonly [Json, Json];
  }
  throw notInModel("compare-and-set register", operation);
}
