/**
 * A waiter: one claim in line, from joining to its grant or its leaving.
 *
 * It joins by asking, and then sleeps until a push wakes it. It asks again only when there is
 * reason to: it watches for the line and a holder's time is over; pushes may have been missed; the
 * store has forgotten the line. Asking again is the same claim in the same place.
 *
 * Guarantees: ends with a grant, a refusal after `waitMs`, the signal's reason, or an error that
 * no repetition would cure; whatever it had claimed by then is given back. A store that does not
 * answer does not end it, as the wait is bounded by `waitMs` alone once it stood in line.
 */
import {
  type Deferred,
  deferred,
  type Grant,
  isQuorateError,
  leaseLeftMs,
  leaseWindow,
  type Ms,
  onAbort,
  type Refusal,
  type Timer,
} from "@quorate/core";
import type { CheckedLease } from "@quorate/core";
import { refused } from "../errors.ts";
import { CLAIM_WINDOW_MS } from "../scripts.ts";
import { grantOf, handGrant } from "./grants.ts";
import type { LeaseDesk } from "./lease-desk.ts";
import type { LeaseAnswer } from "./lease-batch.ts";
import { type InboxPush, shownHolders } from "./wire.ts";

const AGAIN_MS = 250;
/** The second watcher leaves the first so much time. */
const SECOND_LATER_MS = 20;
/** Who watches asks at least so often, whatever it was told. */
const LONGEST_WATCH_MS = 10_000;
/** A window by push shorter than this is confirmed before it is handed out. */
const SHORTEST_WINDOW_MS = 50;

type State =
  | { readonly kind: "joining" | "waiting" }
  /** With the token that was handed out, if any. */
  | { readonly kind: "ended"; readonly fencingToken?: number };

/** One claim in line. */
export class Waiter {
  readonly request: CheckedLease;
  readonly #desk: LeaseDesk;
  readonly #done: Deferred<Grant | Refusal> = deferred();
  readonly #startedMs: Ms;
  readonly #onEnd: (waiter: Waiter) => void;
  #state: State = { kind: "joining" };
  #asking = false;
  #askAgain = false;
  #watch: Timer | undefined;
  #limit: Timer | undefined;
  #unsubscribe: () => void = () => {};

  /** `startedMs`: when the wait began, on the monotonic clock. `onEnd`: no pushes any more. */
  constructor(
    desk: LeaseDesk,
    request: CheckedLease,
    wait: { readonly startedMs: Ms; readonly onEnd: (waiter: Waiter) => void },
  ) {
    this.#desk = desk;
    this.request = request;
    this.#startedMs = wait.startedMs;
    this.#onEnd = wait.onEnd;
  }

  /** Joins the line and waits. */
  wait(): Promise<Grant | Refusal> {
    const { runtime } = this.#desk;
    const { signal, waitMs } = this.request;
    this.#unsubscribe = onAbort(signal, () => this.abort(signal?.reason));
    if (this.#state.kind === "ended") return this.#done.promise;
    if (waitMs !== Infinity) {
      const leftMs = this.#startedMs + waitMs - runtime.time.monotonicMs();
      this.#limit = runtime.time.setTimer(leftMs, () => this.#giveUp());
    }
    this.ask();
    return this.#done.promise;
  }

  /** Asks the store how we stand; once more afterwards if it is asked while asking. */
  ask(): void {
    if (this.#state.kind === "ended") return;
    if (this.#asking) {
      this.#askAgain = true;
      return;
    }
    this.#watch?.cancel();
    this.#watch = undefined;
    this.#asking = true;
    void this.#ask().finally(() => {
      this.#asking = false;
      if (!this.#askAgain) return;
      this.#askAgain = false;
      this.ask();
    });
  }

  /** A push for this claim came. */
  hear(push: InboxPush): void {
    if (this.#state.kind === "ended") return;
    if (push.kind === "watch") this.#watchUntil(push.rank, push.soonestMicros);
    else if (push.kind === "granted") this.#handed(push.fencingToken, push.endMicros);
  }

  async #ask(): Promise<void> {
    const { runtime } = this.#desk;
    const window = leaseWindow(runtime.time, this.request.ttlMs);
    let answer: LeaseAnswer;
    try {
      answer = await this.#desk.claim(this.request, true);
    } catch (error) {
      return this.#unanswered(error);
    }
    const { reply, serverMicros } = answer;
    if (this.#state.kind === "ended") return this.#afterTheEnd(answer);
    if (reply.kind === "granted") {
      if (leaseLeftMs(runtime.time, window) <= 0) return this.#again(0);
      const { fencingToken } = reply;
      const grant = grantOf(this.request, fencingToken, window);
      this.#end((done) => done.resolve(grant), fencingToken);
    } else if (reply.kind === "queued") {
      this.#state = { kind: "waiting" };
      if (reply.rank > 0) this.#watchUntil(reply.rank, reply.soonestMicros, serverMicros);
    } else if (reply.kind === "full") {
      const reason = "the line for this name is full: too many wait already";
      const about = {
        operation: "leases.acquire",
        address: this.#desk.address,
        key: this.request.name,
      };
      this.#end((done) => done.reject(refused(about, reason)));
    } else this.#again(AGAIN_MS);
  }

  /** An answer that comes after the end may tell of a claim that nobody wants: a re-sent ask. */
  #afterTheEnd({ reply, serverMicros }: LeaseAnswer): void {
    const handed = this.#state.kind === "ended" ? this.#state.fencingToken : undefined;
    // A push may overtake an answer that is older than it: "queued" was true, and is history.
    // Leaving the line now would give back the grant that came since.
    if (reply.kind === "queued" && handed !== undefined && serverMicros <= handed) return;
    const claimed = reply.kind === "queued" || reply.kind === "granted";
    if (!claimed || (reply.kind === "granted" && reply.fencingToken === handed)) return;
    const token = reply.kind === "granted" ? reply.fencingToken : undefined;
    this.#desk.leave(this.request, token).catch(() => {});
  }

  /** The first answer decides whether we stand in line at all; afterwards only the wait ends it. */
  #unanswered(error: unknown): void {
    if (this.#state.kind === "ended") return;
    const retryable = isQuorateError(error) && error.retryable;
    if (this.#state.kind === "waiting" && retryable) return this.#again(AGAIN_MS);
    this.#end((done) => done.reject(error));
  }

  #again(delayMs: Ms): void {
    this.#watch?.cancel();
    const { time } = this.#desk.runtime;
    this.#watch = time.setTimer(delayMs, () => this.ask(), { keepAlive: false });
  }

  /** Watches for the line: asks again when the soonest holder's time is over; the second later. */
  #watchUntil(rank: number, soonestMicros: number, serverMicros?: number): void {
    const nowMicros = serverMicros ?? this.#desk.clockOf(this.request).latestMicros(0);
    const endsInMs = nowMicros === 0 ? 0 : (soonestMicros - nowMicros) / 1_000;
    const laterMs = 1 + (rank - 1) * SECOND_LATER_MS;
    this.#again(Math.min(Math.max(endsInMs, 0) + laterMs, LONGEST_WATCH_MS));
  }

  #handed(fencingToken: number, endMicros: number): void {
    const { runtime, confirmations } = this.#desk;
    const claimMs = Math.min(this.request.ttlMs, CLAIM_WINDOW_MS);
    const window = this.#desk.clockOf(this.request).windowUntil(endMicros, claimMs);
    const leftMs = leaseLeftMs(runtime.time, window);
    // Too late to believe, or too little known of the server's clock: ask; asking confirms.
    if (leftMs < Math.min(SHORTEST_WINDOW_MS, claimMs / 2)) return this.ask();
    const hand = handGrant(this.request, fencingToken, window);
    confirmations.add(hand);
    this.#end((done) => done.resolve(hand.grant), fencingToken);
  }

  /** Nobody waits any more: leaves the line, and says so even if the store does not answer. */
  abort(reason: unknown): void {
    if (this.#state.kind === "ended") return;
    this.#end((done) => {
      void this.#desk.soon(this.#desk.leave(this.request)).then(() => done.reject(reason));
    });
  }

  /** The wait is over. What was granted in this instant is given back. */
  #giveUp(): void {
    if (this.#state.kind === "ended") return;
    this.#end((done) => {
      this.#desk.leave(this.request).then(({ reply, serverMicros }) => {
        const holders = reply.kind === "left" ? shownHolders(reply.holders, serverMicros) : [];
        done.resolve({ granted: false, holders });
      }, done.reject);
    });
  }

  #end(settle: (done: Deferred<Grant | Refusal>) => void, fencingToken?: number): void {
    this.#state = { kind: "ended", ...(fencingToken === undefined ? {} : { fencingToken }) };
    this.#watch?.cancel();
    this.#limit?.cancel();
    this.#unsubscribe();
    this.#onEnd(this);
    settle(this.#done);
  }
}
