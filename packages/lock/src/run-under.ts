/**
 * Work under a lock: the scope that gives back, and that tells the truth about the hold.
 *
 * Guarantees: the work's answer is returned only if the lock was held, by this process's own
 * clocks, until the work had ended; else `run` rejects, and says what the work did. A store that
 * does not answer the release costs at most a second. Does not stop the work when the lock is
 * lost: that is what `lock.signal` is for; `run` settles when the work has.
 */
import { deferred, isQuorateError, leaseLeftMs, type Ms, type Runtime } from "@quorate/core";
import { holding } from "./deadlock-context.ts";
import type { Floors } from "./floors.ts";
import type { GivenBack, HeldLease, Verdict } from "./held-lease.ts";
import { closedDuringWork, lostDuringWork, type WorkOutcome } from "./lock-errors.ts";

/** How long `run` waits for the answer to its release; the release itself goes on. */
const RELEASE_PATIENCE_MS = 1_000;

/** Where the work runs. */
export interface WorkPlace {
  /** The backend's leases, which name its context. */
  readonly store: object;
  readonly runtime: Pick<Runtime, "time">;
  readonly floors: Floors;
}

/** Runs `work` while holding `leases`, then gives back those of them that are `ours`. */
export async function runUnder<T>(
  place: WorkPlace,
  leases: readonly HeldLease[],
  ours: readonly HeldLease[],
  work: () => T | PromiseLike<T>,
): Promise<T> {
  let outcome: WorkOutcome;
  try {
    outcome = { kind: "returned", value: await holding(place.store, leases, work) };
  } catch (error) {
    outcome = { kind: "threw", error };
    for (const { target, grant } of leases) {
      place.floors.learn(target.name, grant.fencingToken, error);
    }
  }
  const verdicts = leases.map((lease) => ({ lease, verdict: lease.verdict() }));
  const backs = ours.map((lease) => lease.release());
  const unsound = verdicts.find(({ verdict }) => verdict.kind !== "sound");
  if (unsound === undefined) {
    const heard = await Promise.all(backs.map((back) => patiently(place.runtime, back)));
    const gone = ours.find((lease, index) => wasGone(place.runtime, lease, heard[index]));
    if (gone !== undefined) throw failure(gone, { kind: "lost", reason: "superseded" }, outcome);
    if (outcome.kind === "threw") throw outcome.error;
    return outcome.value as T;
  }
  throw failure(unsound.lease, unsound.verdict, outcome);
}

/**
 * The store said "expired" to our first and only release while, by the stricter count of our own
 * clocks, the lease should have lasted: it was deleted or forgotten there, under the work.
 */
function wasGone(
  runtime: Pick<Runtime, "time">,
  lease: HeldLease,
  back: GivenBack | undefined,
): boolean {
  if (back?.answer !== "expired" || !back.sure) return false;
  return leaseLeftMs(runtime.time, lease.window) > 0;
}

function failure(lease: HeldLease, verdict: Verdict, outcome: WorkOutcome): unknown {
  const facts = { key: lease.target.key, fencingToken: lease.grant.fencingToken };
  if (outcome.kind === "threw" && isThisLoss(outcome.error, facts.fencingToken)) {
    return outcome.error; // The work threw the signal's reason or check()'s error: it says it all.
  }
  return verdict.kind === "lost"
    ? lostDuringWork(facts, verdict.reason, outcome)
    : closedDuringWork(facts, outcome);
}

function isThisLoss(error: unknown, fencingToken: number): boolean {
  return isQuorateError(error, "LOCK_LOST") && error.details.fencingToken === fencingToken;
}

/** The answer of a release, or `undefined` when it failed or takes too long. */
function patiently(
  runtime: Pick<Runtime, "time">,
  back: Promise<GivenBack>,
  patienceMs: Ms = RELEASE_PATIENCE_MS,
): Promise<GivenBack | undefined> {
  const heard = deferred<GivenBack | undefined>();
  const timer = runtime.time.setTimer(patienceMs, () => heard.resolve(undefined));
  const silent = (): void => heard.resolve(undefined);
  back.then(heard.resolve, silent).finally(() => timer.cancel());
  return heard.promise;
}
