/**
 * Leases: holds that end by themselves.
 *
 * A lock with a time to live is no mutex: after the time somebody else may have it while the first
 * still believes. What it does promise is that nobody else has it *before*. So each hold gets one
 * optional expiry, possible from (call of the acquire, or of the last renewal that was
 * acknowledged) + ttl - slack: a hand-over after that is legal, one before it is not.
 *
 * From the call, because the store cannot have begun to count before it was asked. `slackMs` is
 * for clocks: how much earlier than by the history's clock the store's may ring.
 *
 * A hold that was released, and was told so, did not expire: it gets none. A renewal whose outcome
 * is unknown may not have happened, so it postpones nothing.
 */
import { invalidArgument, knownOptions, nonNegative, positive } from "@quorate/core";
import type { Operation } from "../history/history.ts";
import type { Model } from "../model.ts";
import { type ClaimState, holdOf } from "./claims.ts";

/** Options of `withLeaseExpiry`. */
export interface LeaseExpiryOptions {
  /** The lease's length. */
  readonly ttlMs: number;
  /** How much sooner it may end by the history's clock: drift of the store's. @default 0 */
  readonly slackMs?: number;
}

interface Hold {
  readonly acquire: Operation;
  lastMs: number;
  released: boolean;
}

/**
 * `model` (a mutex, fenced mutex, permits or read-write lock) with leases that expire.
 *
 * @example
 * const history = historyOf([
 *   { t: 0, p: "a", op: 0, type: "invoke", f: "acquire" },
 *   { t: 5, p: "a", op: 0, type: "ok", f: "acquire" },
 *   { t: 900, p: "b", op: 1, type: "invoke", f: "acquire" },
 *   { t: 1_050, p: "b", op: 1, type: "ok", f: "acquire" },
 * ]);
 * const leased = withLeaseExpiry(mutex(), { ttlMs: 1_000 });
 * console.log(checkLinearizable(history, leased).verdict); // ok: granted after 1000 ms
 */
export function withLeaseExpiry(
  model: Model<ClaimState>,
  options: LeaseExpiryOptions,
): Model<ClaimState> {
  knownOptions("options", options, ["ttlMs", "slackMs"]);
  const ttlMs = positive("ttlMs", options.ttlMs);
  const slackMs = nonNegative("slackMs", options.slackMs ?? 0);
  const { prepare } = model;
  if (prepare === undefined) throw invalidArgument("model", model.name, "a lock model");
  return {
    ...model,
    name: `${model.name} with leases of ${ttlMs} ms`,
    prepare(operations) {
      const prepared = prepare(operations);
      return [...prepared, ...expiries(prepared, ttlMs - slackMs)];
    },
  };
}

function expiries(operations: readonly Operation[], afterMs: number): Operation[] {
  const holds = new Map<string, Hold>();
  for (const operation of operations) {
    const hold = holdOf(operation);
    const acknowledged = operation.outcome === "ok" && operation.result !== false;
    if (operation.f === "acquire" && operation.result !== false) {
      holds.set(hold, { acquire: operation, lastMs: operation.calledMs, released: false });
    }
    const known = holds.get(hold);
    if (known === undefined || !acknowledged) continue;
    if (operation.f === "renew") known.lastMs = Math.max(known.lastMs, operation.calledMs);
    if (operation.f === "release") known.released = true;
  }
  return [...holds.values()]
    .filter(({ released }) => !released)
    .map((hold) => expiry(hold, afterMs));
}

function expiry({ acquire, lastMs }: Hold, afterMs: number): Operation {
  return {
    ...acquire,
    op: -1,
    f: "expire",
    result: null,
    outcome: "unknown",
    calledMs: lastMs + afterMs,
    returnedMs: Infinity,
    callIndex: -1,
    returnIndex: Infinity,
  };
}
