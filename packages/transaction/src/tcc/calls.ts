/**
 * Branches as the work asks for them, checked before anything is stored or sent.
 */
import { invalidArgument, type Json, knownOptions, QuorateError } from "@quorate/core";

import { jsonOf } from "../barrier/answer.ts";
import type { Served } from "./desk.ts";
import { checkPart } from "./options.ts";
import type { TccParticipant } from "./participant.ts";

/** Most branches of one transaction: each is in its record, with its input. */
export const MAX_BRANCHES = 64;
const MAX_INPUT_BYTES = 32_768;

/** A branch, checked. */
export interface CheckedCall {
  readonly name: string;
  readonly participant: string;
  readonly served: TccParticipant;
  readonly input: Json;
  /** Takes the name. @throws INVALID_ARGUMENT it is taken; TOO_LARGE there are too many. */
  take(names: Map<string, "registered" | "tried">): void;
}

/** Checks one branch. @throws INVALID_ARGUMENT */
export function checkCall(served: Served, call: object): CheckedCall {
  knownOptions("branch", call, ["participant", "input", "as"] as never[]);
  const { participant, input, as } = call as {
    readonly participant: string;
    readonly input: unknown;
    readonly as?: string;
  };
  const known = served.get(participant);
  if (known === undefined) {
    throw invalidArgument("participant", participant, `one of ${[...served.keys()].join(", ")}`);
  }
  const name = as === undefined ? participant : checkPart("as", as);
  return {
    name,
    participant,
    served: known,
    input: jsonOf("input", input, MAX_INPUT_BYTES) ?? null,
    take(names) {
      if (names.has(name)) throw invalidArgument("as", name, "another name for each branch");
      if (names.size >= MAX_BRANCHES) throw tooMany(names.size + 1);
      names.set(name, "registered");
    },
  };
}

/** Checks several. @throws INVALID_ARGUMENT */
export function checkBranches(served: Served, calls: readonly object[]): readonly CheckedCall[] {
  if (!Array.isArray(calls)) throw invalidArgument("calls", calls, "an array of branches");
  return calls.map((call: object) => checkCall(served, call));
}

function tooMany(size: number): QuorateError<"TOO_LARGE"> {
  const details = { option: "branches", size, limit: MAX_BRANCHES };
  const message = `a transaction has at most ${MAX_BRANCHES} branches; make several of it`;
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
