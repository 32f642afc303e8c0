/**
 * Claiming: one write that asks and takes at once, and what follows from its answer.
 *
 * A claim whose reply is lost is asked again under the same operation id until it is known whose
 * the key is; where the store stays silent the work does not run, and the claim is withdrawn in the
 * background, so that it holds nobody up for longer than it takes the store to come back.
 */
import {
  type Entry,
  isQuorateError,
  leaseLeftMs,
  leaseWindow,
  type LeaseWindow,
  type QuorateError,
  type Revision,
} from "@quorate/core";
import type { Call } from "./call.ts";
import { ClaimedRun } from "./claimed-run.ts";
import { type Desk, type Found, judge, readFound } from "./desk.ts";
import { notClaimedError } from "./errors.ts";
import { HeldClaim } from "./held-claim.ts";
import { type Decision, decide } from "./machine.ts";
import { encodeInFlight, type RunHead } from "./record.ts";

/** What a claim came to: a run, or what is there instead. */
export type Claimed<T> =
  | { readonly kind: "run"; readonly run: ClaimedRun<T> }
  | { readonly kind: "found"; readonly found: Found | undefined; readonly decision: Decision };

/** Times that a claim is asked before it is given up. */
const CLAIM_TRIES = 3;

/** Claims `call`'s key, where `expect` is there. @throws the store's error; nothing ran. */
export async function claim<T>(
  desk: Desk,
  call: Call,
  expect: Revision | "absent",
  attempt: number,
): Promise<Claimed<T>> {
  const { runtime } = desk;
  const owner = runtime.ids.operation();
  const { key, scope, fingerprint } = call;
  const head: RunHead = { key, scope, fingerprint, owner, attempt };
  const text = encodeInFlight(head, undefined, call.ttlMs);
  const options = {
    expect,
    ttlMs: call.leaseMs + call.ttlMs,
    operationId: owner,
    signal: call.signal,
  };
  // Before the first write leaves: the store counts from whichever of them landed.
  const window = leaseWindow(runtime.time, call.leaseMs);
  let doubt: QuorateError | undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      const put = await desk.kv.put(call.storeKey, text, options);
      if (put.ok) return runOf(desk, call, { head, entry: put.entry, window });
      const found = put.current === undefined ? undefined : readFound(put.current, key);
      const decision = decide("ask", judge(found, head));
      if (found === undefined || decision !== "own") return { kind: "found", found, decision };
      return runOf(desk, call, { head, entry: found.entry, window });
    } catch (error) {
      // Once in doubt, always in doubt: a later try that never left says nothing of an earlier one.
      if (isQuorateError(error) && error.effect !== "none") doubt = error;
      if (isQuorateError(error, "OUTCOME_UNKNOWN") && tries < CLAIM_TRIES) continue;
      if (doubt !== undefined) withdraw(desk, call, { head, window }, doubt).catch(() => {});
      if (call.signal?.aborted === true) throw call.signal.reason;
      throw doubt === undefined ? error : notClaimedError(key, doubt);
    }
  }
}

interface Grant {
  readonly head: RunHead;
  readonly window: LeaseWindow;
}

function runOf<T>(desk: Desk, call: Call, grant: Grant & { readonly entry: Entry }): Claimed<T> {
  const { head, entry, window } = grant;
  const { revision } = entry;
  const run = new ClaimedRun<T>(
    desk,
    (onLost) => new HeldClaim(desk, call, { head, revision, window }, onLost),
  );
  if (leaseLeftMs(desk.runtime.time, window) <= 0) {
    // The answer took longer than the lease: what is not safe to start is not started.
    void run.discard();
    throw notClaimedError(call.key, new Error("the answer came after the lease's end"));
  }
  const { claimed } = desk.events;
  if (claimed.hasSubscribers) {
    const { key, scope } = call;
    const { fencingToken, attempt, takeover } = run;
    claimed.publish({ key, scope, fencingToken, attempt, takeover });
  }
  return { kind: "run", run };
}

/** Takes back a claim that may have landed. Where it fails, the lease ends by itself. */
async function withdraw(
  desk: Desk,
  call: Call,
  { head, window }: Grant,
  doubt: QuorateError,
): Promise<void> {
  if ((await doubt.resolve?.()) === "none") return;
  const found = await desk.look(call, undefined);
  if (found?.record.owner !== head.owner) return;
  const { revision } = found.entry;
  const run = new ClaimedRun(
    desk,
    (onLost) => new HeldClaim(desk, call, { head, revision, window }, onLost),
  );
  await run.discard();
}
