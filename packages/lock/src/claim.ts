/**
 * Asking the store for one lease until there is a clear answer.
 *
 * What can go wrong is between the grant and the knowledge of it: the reply is lost (then the same
 * owner is asked for again, which finds the first claim), comes when the lease is over (then it is
 * given back and asked for anew), or comes to one who has stopped waiting (then it is given back).
 *
 * Guarantees: ends within `waitMs` plus one exchange with the store; a claim that is not returned
 * is given back, or ends by its TTL where the store cannot be reached.
 */
import {
  type Grant,
  isQuorateError,
  leaseLeftMs,
  type LeaseHolder,
  type LeaseStore,
  type Ms,
  QuorateError,
  type Runtime,
  show,
  sleep,
} from "@quorate/core";
import type { Target } from "./target.ts";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** What is claimed, and how. */
export interface ClaimRequest {
  readonly target: Target;
  readonly ttlMs: Ms;
  readonly waitMs: Ms;
  readonly fair: boolean;
  readonly label: string | undefined;
  readonly aboveToken: number | undefined;
  readonly signal: AbortSignal;
}

/** Whom is asked, and how a claim that nobody wants is given back, in the background. */
export interface ClaimDesk {
  readonly leases: LeaseStore;
  readonly runtime: Runtime;
  returnGrant(grant: Pick<Grant, "name" | "owner"> & Partial<Grant>): void;
}

/** The answer. `behind`: free, but the token is not above `aboveToken` yet. */
export type Claimed =
  | { readonly kind: "granted"; readonly grant: Grant }
  | { readonly kind: "refused"; readonly holders: readonly LeaseHolder[] }
  | { readonly kind: "behind"; readonly fencingToken: number };

/** Asks. Rejects with the signal's reason, or with the store's error. */
export async function claim(desk: ClaimDesk, request: ClaimRequest): Promise<Claimed> {
  const { runtime } = desk;
  request.signal.throwIfAborted();
  const startedMs = runtime.time.monotonicMs();
  const left = (): Ms => Math.max(0, request.waitMs - (runtime.time.monotonicMs() - startedMs));
  for (;;) {
    const answer = await askOnce(desk, request, left);
    if (!answer.granted) return { kind: "refused", holders: answer.holders };
    const late = leaseLeftMs(runtime.time, answer) <= 0;
    const behind = request.aboveToken !== undefined && answer.fencingToken <= request.aboveToken;
    if (!late && !behind && !request.signal.aborted) return { kind: "granted", grant: answer };

    desk.returnGrant(answer);
    request.signal.throwIfAborted();
    const pauseMs = late ? FIRST_PAUSE_MS : catchUpMs(answer.fencingToken, request.aboveToken);
    if (pauseMs > left()) {
      if (late) return { kind: "refused", holders: [] };
      return { kind: "behind", fencingToken: answer.fencingToken };
    }
    await sleep(runtime, pauseMs, { signal: request.signal });
  }
}

/** A token is the store's clock in µs, so the clock says when tokens will have passed the floor. */
function catchUpMs(fencingToken: number, aboveToken = 0): Ms {
  return Math.ceil((aboveToken - fencingToken) / 1_000) + 1;
}

/** One claim by one owner, asked for as often as it takes to hear an answer within the wait. */
async function askOnce(
  desk: ClaimDesk,
  request: ClaimRequest,
  left: () => Ms,
): Promise<Awaited<ReturnType<LeaseStore["acquire"]>>> {
  const { target, signal, label } = request;
  const claimed = { name: target.name, owner: desk.runtime.ids.operation() };
  let doubt: unknown;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await desk.leases.acquire(target.name, {
        owner: claimed.owner,
        ttlMs: request.ttlMs,
        waitMs: left(),
        weight: target.weight,
        capacity: target.capacity,
        fair: request.fair,
        signal,
        ...(label === undefined ? {} : { data: label }),
      });
    } catch (error) {
      // Aborted: the engine has given back what it knew of; only an older doubt is ours to settle.
      if (signal.aborted && doubt === undefined) throw signal.reason;
      if (!isQuorateError(error) || error.effect !== "none") doubt ??= error;
      if (doubt === undefined) throw error;
      const hopeless = !isQuorateError(error) || !error.retryable;
      if (signal.aborted || hopeless || pauseMs > left()) {
        desk.returnGrant(claimed);
        throw signal.aborted ? signal.reason : unanswered(target.key, request.ttlMs, doubt);
      }
    }
    try {
      await sleep(desk.runtime, pauseMs * (0.5 + desk.runtime.random.next() / 2), { signal });
    } catch (reason) {
      desk.returnGrant(claimed);
      throw reason;
    }
  }
}

function unanswered(key: string, ttlMs: Ms, doubt: unknown): unknown {
  // Not the store's error at all (a bug below): do not dress it up.
  if (!isQuorateError(doubt)) return doubt;
  const message =
    `no answer to the claim of ${show(key)}: it may hold. It is being given back; where the ` +
    `store cannot be reached, its TTL of ${ttlMs} ms frees it. Try again`;
  return new QuorateError("OUTCOME_UNKNOWN", message, {
    effect: "unknown",
    details: { operation: "lock.acquire", key },
    cause: doubt,
    ...(doubt.resolve === undefined ? {} : { resolve: doubt.resolve }),
  });
}
