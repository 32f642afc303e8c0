/**
 * Claims on a capacity: what mutex, permits and read-write lock have in common.
 *
 * - `acquire { owner?, … }` → anything but `false`: granted; `false`: refused
 * - `release { owner? }` → anything but `false`: it was ours and is free; `false`: it was not ours
 * - `renew { owner? }` → anything but `false`: it was still ours; `false`: it was not
 * - `expire`: added by `withLeaseExpiry`, never recorded
 *
 * The owner is the process, unless the argument names one: whoever goes on after an unknown
 * outcome has a new process name and the old hold. Each acquire begins a hold of its own, and what
 * its owner does until the next acquire is about that hold. So a release that lands late must not
 * free the next hold of the same owner: a lock that lets it is found.
 *
 * Refusals are not judged by default: a queue refuses a newcomer although there is room, because
 * others came first. With `exactRefusals` a refusal is possible only where the claim does not fit.
 */
import { invalidArgument, type Json, knownOptions } from "@quorate/core";
import type { Operation } from "../history/history.ts";
import { type Model, type ModelOperation, notInModel, only, type Step } from "../model.ts";

/** Who holds how much. */
export interface ClaimState {
  /** Hold and weight, sorted by hold. */
  readonly holds: readonly (readonly [hold: string, weight: number])[];
  /** The greatest fencing token so far; stays 0 without fencing. */
  readonly token: number;
}

/** Options of every lock model. */
export interface LockModelOptions {
  /** Whether a refusal is an error where the claim would fit. @default false */
  readonly exactRefusals?: boolean;
}

/** What makes one lock differ from another. */
export interface ClaimRules extends LockModelOptions {
  readonly name: string;
  readonly capacity: number;
  /** Weight of an acquire, from the fields of its argument; undefined: there is no such claim. */
  readonly weightOf: (fields: Readonly<Record<string, Json | undefined>>) => number | undefined;
  /** Whether a grant's result is a fencing token, strictly greater than all before. */
  readonly fenced: boolean;
  /** For tests of the model: leave in what it would leave out. @default false */
  readonly keepGhosts?: boolean;
}

/** The model of a lock under `rules`. */
export function claimModel(rules: ClaimRules): Model<ClaimState> {
  const { name, exactRefusals = false, keepGhosts = false } = rules;
  return {
    name,
    initial: { holds: [], token: 0 },
    step(state, operation) {
      const hold = holdOf(operation);
      const held = state.holds.some(([holder]) => holder === hold);
      const yes = operation.outcome === "unknown" || operation.result !== false;
      if (operation.f === "acquire") {
        return yes ? granted(rules, state, operation, hold) : refused(rules, state, operation);
      }
      if (operation.f === "renew") return only(held === yes, state);
      if (operation.f !== "release" && operation.f !== "expire") throw notInModel(name, operation);
      return yes ? only(held, without(state, hold)) : only(!held, state);
    },
    identify: ({ holds, token }) => `${token}:${JSON.stringify(holds)}`,
    hint: ({ f, result }) => (f === "renew" || result === false ? { kind: "observe" } : undefined),
    prepare(operations) {
      const numbered = numberHolds(operations);
      return exactRefusals || keepGhosts ? numbered : withoutGhosts(numbered);
    },
    describe: describeClaim,
    show: ({ holds, token }) => {
      const who = holds.map(([hold, weight]) => (weight === 1 ? hold : `${hold} (${weight})`));
      const free = who.length === 0 ? "free" : `held by ${who.join(", ")}`;
      return token === 0 ? free : `${free}, last token ${token}`;
    },
  };

  function refused(
    { capacity }: ClaimRules,
    state: ClaimState,
    operation: ModelOperation,
  ): Step<ClaimState> {
    const weight = weightIn(rules, operation);
    return only(!exactRefusals || usedOf(state) + weight > capacity, state);
  }
}

/** Options of a lock model, checked. */
export function checkLockModelOptions(
  options: LockModelOptions,
  more: readonly string[] = [],
): { readonly exactRefusals: boolean } {
  knownOptions("options", options, ["exactRefusals", ...more] as "exactRefusals"[]);
  return { exactRefusals: options.exactRefusals === true };
}

const NOTHING: Readonly<Record<string, Json | undefined>> = Object.freeze({});

/** The fields of a claim's argument: an object, an owner's name, or nothing. */
export function claimFields(argument: Json): Readonly<Record<string, Json | undefined>> {
  if (typeof argument === "string") return { owner: argument };
  if (typeof argument !== "object" || argument === null || Array.isArray(argument)) return NOTHING;
  return argument as Readonly<Record<string, Json>>;
}

/** The hold that a prepared operation is about. */
export function holdOf({ argument }: { readonly argument: Json }): string {
  const { hold } = claimFields(argument);
  return typeof hold === "string" ? hold : "";
}

function granted(
  rules: ClaimRules,
  state: ClaimState,
  operation: ModelOperation,
  hold: string,
): Step<ClaimState> {
  const weight = weightIn(rules, operation);
  const fits = usedOf(state) + weight <= rules.capacity;
  const token = rules.fenced ? tokenAfter(rules, state, operation) : state.token;
  if (!fits || token === undefined) return only(false, state);
  const holds = [...state.holds, [hold, weight] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  return only(true, { holds, token });
}

/** The greatest token after a grant; undefined if it did not grow. */
function tokenAfter(
  { name }: ClaimRules,
  state: ClaimState,
  operation: ModelOperation,
): number | undefined {
  // Nobody was told this token; whatever it is, it is one more at least.
  if (operation.outcome === "unknown") return state.token + 1;
  const { result } = operation;
  if (typeof result !== "number") throw notInModel(name, operation);
  return result > state.token ? result : undefined;
}

function weightIn({ name, weightOf }: ClaimRules, operation: ModelOperation): number {
  const weight = weightOf(claimFields(operation.argument));
  if (weight === undefined) throw notInModel(name, operation);
  return weight;
}

function usedOf({ holds }: ClaimState): number {
  return holds.reduce((sum, [, weight]) => sum + weight, 0);
}

function without(state: ClaimState, hold: string): ClaimState {
  return { ...state, holds: state.holds.filter(([holder]) => holder !== hold) };
}

/** Puts the hold into each argument: `owner` for its first, `owner/2` for its second. */
function numberHolds(operations: readonly Operation[]): Operation[] {
  const holds = new Map<string, number>();
  return operations.map((operation) => {
    const fields = claimFields(operation.argument);
    const owner = fields["owner"] ?? operation.process;
    if (typeof owner !== "string") throw invalidArgument("owner", owner, "a string");
    const acquires = operation.f === "acquire" && operation.result !== false;
    const count = (holds.get(owner) ?? 0) + (acquires ? 1 : 0);
    holds.set(owner, count);
    const hold = count > 1 ? `${owner}/${count}` : owner;
    return { ...operation, argument: { ...fields, owner, hold } };
  });
}

/**
 * Without the unknown acquires that nobody needs: their owner was never told that it holds, and
 * where refusals are not judged a hold only stands in the way. Whatever order works with such a
 * hold works without it.
 */
function withoutGhosts(operations: readonly Operation[]): Operation[] {
  const told = new Set(
    operations
      .filter(({ outcome, result }) => outcome === "ok" && result !== false)
      .map((operation) => holdOf(operation)),
  );
  return operations.filter(
    (operation) => operation.outcome === "ok" || told.has(holdOf(operation)),
  );
}

function describeClaim({ f, argument, result, outcome }: ModelOperation): string {
  const { owner: _, hold: __, ...rest } = claimFields(argument);
  const hold = holdOf({ argument });
  const more = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
  if (f === "expire") return `lease of ${hold} expires`;
  const answer = result === false ? "refused" : JSON.stringify(result);
  const end = outcome === "unknown" ? " → ?" : result === null ? "" : ` → ${answer}`;
  return `${f} ${hold}${more}${end}`;
}
