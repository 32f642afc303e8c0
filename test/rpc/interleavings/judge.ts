/**
 * What must be so, whatever was lost, doubled, late or killed.
 */
import { isQuorateError } from "@quorate/core";
import type { Kind } from "./plan.ts";

/** One call of a client's program, and what became of it. */
export interface MadeCall {
  readonly tag: string;
  readonly kind: Kind;
  /** How often its handler ran to its effect. */
  runs: number;
  /** How often the program asked, each time with all the client's own tries. */
  asked: number;
  outcome: Outcome | undefined;
}

/** How a call settled. */
export type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown }
  /** Its caller did not wait to the end. */
  | { readonly kind: "given up" };

/** What is known at the end of a run. */
export interface Ended {
  readonly calls: readonly MadeCall[];
  /** Effects by key, at the participant that takes each key once. */
  readonly keys: ReadonlyMap<string, number>;
  /** Runs under a key that a crash or a failure may excuse. */
  readonly excuses: number;
  /** Clients that live. */
  readonly isAlive: (call: MadeCall) => boolean;
  /** Some server lives. */
  readonly isServed: boolean;
}

/** What is wrong with a run; `undefined`: nothing. */
export function judged(ended: Ended): string | undefined {
  for (const call of ended.calls) {
    const wrong = wrongWith(call, ended);
    if (wrong !== undefined) return `${call.tag}: ${wrong}`;
  }
  const keyed = ended.calls.filter(({ kind }) => kind === "keyed");
  if (keyed.length === 0) return undefined;
  const runs = keyed.reduce((sum, call) => sum + call.runs, 0);
  const isAnswered = keyed.some(({ outcome }) => outcome?.kind === "value");
  const effects = ended.keys.get(KEY) ?? 0;
  if (isAnswered && effects !== 1) return `the key is answered, and has ${effects} effects`;
  if (runs > 1 + ended.excuses) return `${runs} runs under one key, ${ended.excuses} excused`;
  return undefined;
}

/** The key of all keyed calls. */
export const KEY = "k";

function wrongWith(call: MadeCall, ended: Ended): string | undefined {
  const { kind, outcome, runs, asked, tag } = call;
  if (kind === "unsafe" && runs > asked) return `an unsafe call ran ${runs} times`;
  if (!ended.isAlive(call)) return undefined;
  if (outcome === undefined) return "it never settled";
  if (outcome.kind === "given up") return undefined;
  if (outcome.kind === "value") {
    const wanted = kind === "keyed" ? KEY : tag;
    if (outcome.value !== wanted) return `it was answered with that of ${String(outcome.value)}`;
    return runs === 0 && kind !== "keyed" ? "it was answered, and did not run" : undefined;
  }
  const { error } = outcome;
  if (!isQuorateError(error)) return `it rejected with ${String(error)}`;
  if (error.effect === "none" && runs > 0 && asked === 1)
    return `told as none, and ran: ${error.message}`;
  if (error.effect === "applied" && runs === 0) return `told as applied: ${error.message}`;
  if (kind === "keyed" && ended.isServed) return `never answered: ${error.message}`;
  return undefined;
}
