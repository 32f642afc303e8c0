/**
 * Keyed calls: at the servers of one service each key has one answer.
 *
 * The idempotency record of a call is its service, method and key, whichever version of the
 * contract asked: a repeat by a newer client is still a repeat. It holds what the caller was told:
 * the output as its schema made it, a refusal, or a failure after the effect; whoever comes later
 * is told the same. A repeat waits for the run that is under way, within its own deadline, and
 * takes over from one that died.
 *
 * Guarantees: those of `@quorate/idempotency`: at most one answer of a key is ever announced, and
 * another input under the same key is refused.
 * Does not guarantee that a handler runs once: one that is paused beyond its lease goes on while
 * another takes over. Pass `call.fencingToken` or `call.key` on to what it writes to.
 */
import { isQuorateError, type Json, type Ms } from "@quorate/core";
import {
  type Begun,
  createIdempotency,
  type Execution,
  type Idempotency,
} from "@quorate/idempotency";
import type { HookParts, KeyedRuns } from "../server/hooks.ts";
import type { KeyedRun } from "../server/keyed-run.ts";
import type { Incoming } from "../server/incoming.ts";
import { asTold, mismatch, toldOf } from "../server/told.ts";
import { readFailure, type WireFailure, writeFailure } from "../wire/answer.ts";
import { failureOf } from "../wire/to-failure.ts";

/** Lease of a run: what a crashed server costs the repeats of its calls, which wait for it. */
const LEASE_MS = 10_000;
/** Time that is left for the answer when a repeat has waited in vain. */
const ANSWER_MS = 50;

/** What the call is to its key. */
export type KeyedCall = Pick<
  Incoming,
  "service" | "method" | "spec" | "key" | "signal" | "remainingMs"
> & { readonly request: Pick<Incoming["request"], "input"> };

type Work = (run: KeyedRun) => Promise<unknown>;

/** Keyed calls on the backend of `parts`, or on what was given. */
export function keyedCalls(
  { backend, contract }: Pick<HookParts, "backend" | "contract">,
  given: Idempotency | undefined,
): KeyedRuns {
  if (given !== undefined) return new KeyedCalls(given, false);
  const name = `rpc/${contract.name}`;
  return new KeyedCalls(createIdempotency(backend, { name, leaseMs: LEASE_MS }), true);
}

/** Runs keyed calls of one server. */
export class KeyedCalls implements KeyedRuns {
  readonly #idempotency: Idempotency;
  readonly #isOwn: boolean;

  /** `isOwn`: nobody else has it, so it is closed with the server. */
  constructor(idempotency: Idempotency, isOwn: boolean) {
    this.#idempotency = idempotency;
    this.#isOwn = isOwn;
  }

  async run(call: KeyedCall, input: unknown, work: Work): Promise<unknown> {
    const begun = await this.#begin(call, input);
    return begun.kind === "claimed" ? perform(call, begun.execution, work) : answerOf(call, begun);
  }

  async close(graceMs: Ms): Promise<void> {
    if (this.#isOwn) await this.#idempotency.close({ graceMs });
  }

  async #begin(call: KeyedCall, input: unknown): Promise<Begun> {
    const { key = "", method, service, signal } = call;
    const scope = `${service}/${method}`;
    const waitMs = Math.max(0, call.remainingMs - ANSWER_MS);
    try {
      return await this.#idempotency.begin(key, { scope, fingerprint: input, waitMs, signal });
    } catch (error) {
      // A schema may make dates and maps of what came. What came is JSON for certain.
      const isInput = isQuorateError(error, "INVALID_ARGUMENT") && isFingerprint(error.details);
      if (!isInput) throw error;
      const fingerprint = call.request.input;
      return this.#idempotency.begin(key, { scope, fingerprint, waitMs, signal });
    }
  }
}

/** Runs the handler and ends its run. */
async function perform(call: KeyedCall, execution: Execution, work: Work): Promise<unknown> {
  let told: Json;
  try {
    told = outputOf(await work(execution), call);
  } catch (error) {
    if (isQuorateError(error, "REFUSED")) return answerOf(call, await execution.refuse(error));
    const failure = toldOf(error) ?? (await failureOf(error, call.spec));
    if (failure.effect !== "applied") {
      // Nothing happened: the key is free as before. Nobody knows: who comes next is told so.
      const ending = failure.effect === "none" ? execution.discard() : execution.release();
      const winner = await ending;
      if (winner === undefined) throw error;
      return answerOf(call, winner);
    }
    told = { f: writeFailure(failure) as Json }; // It happened: it must not happen again.
  }
  const { value } = await execution.complete(told);
  return readTold(call, value);
}

/** What is there already: returned, or thrown. */
function answerOf(call: KeyedCall, begun: Exclude<Begun, { kind: "claimed" }>): unknown {
  if (begun.kind === "replay") return readTold(call, begun.value);
  throw begun.error;
}

/** As it travels, so that the first answer and every replay are the same. */
function outputOf(output: unknown, call: KeyedCall): Json {
  if (output === undefined) return {};
  let text: string | undefined;
  try {
    text = JSON.stringify(output);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw mismatch(call, "output", "it is no JSON");
  return { o: JSON.parse(text) as Json };
}

/** The stored answer. Foreign: it may be of another version, or somebody else's. */
function readTold(call: KeyedCall, value: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    const { o, f } = value as { readonly o?: unknown; readonly f?: Json };
    if (f === undefined) return o;
    const failure: WireFailure | undefined = readFailure(f);
    if (failure !== undefined) throw asTold(call, failure);
  }
  throw mismatch(call, "output", "the stored answer is not one of ours");
}

function isFingerprint({ option }: { readonly option: string }): boolean {
  return option.startsWith("fingerprint");
}
