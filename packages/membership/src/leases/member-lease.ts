/**
 * One member's lease: claimed, kept, claimed again after a loss, and made to say what is new.
 *
 * The store fixes what a lease says when it grants it. So what a member says anew stands in a
 * second lease under the same name, claimed beside the first (capacity 2 lets both be), and the
 * first goes once the second is granted: at no moment is the member without a lease, and no two
 * stores of truth can differ. A name that another process holds is waited for in line.
 *
 * Guarantees: `held` is judged by the holder's own clocks, whatever the store says later, so a
 * process that wakes from a pause knows that others may take it for dead before it does anything
 * else; each new life has a greater token. Does not guarantee that others have noticed the end.
 */
import {
  type Backend,
  deferred,
  type Deferred,
  type FencingToken,
  type Grant,
  isQuorateError,
  leaseLeftMs,
  type LeaseHolder,
  leaseWindow,
  type LossReason,
  type Ms,
  QuorateError,
  type Refusal,
  type Runtime,
  show,
  type Timer,
} from "@quorate/core";
import { backoffMs } from "./backoff.ts";
import type { FailedOperation } from "./events.ts";
import { type Held, renewalDueMs, renewalTimeoutMs, retryDueMs } from "./held.ts";
import { Leftovers } from "./leftovers.ts";
import { encodeStanding, type Standing } from "./standing.ts";

/** What is told of a lease, each at the moment it is known. Must not throw. */
export interface MemberLeaseListener {
  held(held: Held, before: Held | undefined): void;
  lost(held: Held, reason: LossReason): void;
  /** Another has the name, for `forMs` by now. Returns how long to stand in line for it. */
  refused(holder: LeaseHolder | undefined, forMs: Ms): Ms;
  failed(operation: FailedOperation, error: unknown, failures: number): void;
}

/** What a claim asks for, kept until its answer is known. */
interface Asked {
  readonly owner: string;
  readonly standing: Standing;
  readonly born: FencingToken | undefined;
}

/** One member's lease. */
export class MemberLease {
  readonly #backend: Pick<Backend, "leases" | "runtime">;
  readonly #runtime: Runtime;
  readonly #name: string;
  readonly #ttlMs: Ms;
  readonly #listener: MemberLeaseListener;
  readonly #leftovers: Leftovers;
  readonly #stopping = new AbortController();
  readonly #told = new Set<Deferred<void>>();
  #wanted: Standing;
  #held: Held | undefined;
  /** The claim whose answer is not known. */
  #asked: Asked | undefined;
  #refusedSinceMs: Ms | undefined;
  #lineMs: Ms = 0;
  #nudge: Deferred<void> = deferred();
  #alarm: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(
    backend: Pick<Backend, "leases" | "runtime">,
    claim: { readonly name: string; readonly ttlMs: Ms; readonly standing: Standing },
    listener: MemberLeaseListener,
  ) {
    this.#backend = backend;
    this.#runtime = backend.runtime;
    this.#name = claim.name;
    this.#ttlMs = claim.ttlMs;
    this.#wanted = claim.standing;
    this.#listener = listener;
    const timeoutMs = renewalTimeoutMs(claim.ttlMs);
    this.#leftovers = new Leftovers(backend, { ...claim, timeoutMs });
  }

  /** Begins to claim. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** The lease, if it is held by this process's own clocks. Notices the end. */
  get held(): Held | undefined {
    const held = this.#held;
    if (held === undefined || leaseLeftMs(this.#runtime.time, held.window) > 0) return held;
    this.#lose(held, "expired");
    return undefined;
  }

  /** What it says, or will say once it is held. */
  get wanted(): Standing {
    return this.#wanted;
  }

  /** Says something else from now on. Resolves once others can read it, or what came after it. */
  tell(standing: Standing): Promise<void> {
    this.#wanted = standing;
    const told = deferred<void>();
    this.#told.add(told);
    this.#wake();
    const late = this.#runtime.time.setTimer(this.#ttlMs, () => told.reject(this.#untold()));
    return told.promise.finally(() => {
      this.#told.delete(told);
      late.cancel();
    });
  }

  /** Stops without a word. */
  stop(reason: unknown): void {
    this.#stopping.abort(reason);
    this.#alarm?.cancel();
    this.#wake();
    for (const told of this.#told) told.reject(reason);
  }

  /** Stops, and gives back all that may be held; at the latest its TTL ends it. */
  async leave(reason: unknown, signal: AbortSignal | undefined): Promise<"released" | "expired"> {
    const { held } = this;
    this.stop(reason);
    await this.#running;
    if (held !== undefined) this.#leftovers.add(held.grant.owner);
    if (this.#asked !== undefined) this.#leftovers.add(this.#asked.owner);
    const isReleased = await this.#leftovers.releaseAll(held?.grant.owner, signal);
    return isReleased ? "released" : "expired";
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted;) {
      const operation = this.held === undefined ? "claim" : "renew";
      try {
        await this.#step();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#listener.failed(operation, error, failures);
        // The backend is closed: nothing will ever be answered, and the lease ends by itself.
        if (isQuorateError(error, "CLOSED")) return;
        await this.#restAfter(failures);
      }
    }
  }

  /** One thing at a time, the most urgent first. */
  async #step(): Promise<void> {
    const { held } = this;
    const leftMs = held === undefined ? 0 : held.dueMs - this.#nowMs;
    if (held === undefined) await this.#claim(undefined);
    else if (leftMs <= 0) await this.#renew(held);
    else if (held.standing !== this.#wanted) await this.#claim(held);
    else await this.#nap(leftMs);
  }

  async #restAfter(failures: number): Promise<void> {
    const { held } = this;
    if (held === undefined) return this.#nap(backoffMs(failures, this.#runtime.random));
    held.dueMs = retryDueMs(this.#nowMs, this.#ttlMs);
    await this.#nap(held.dueMs - this.#nowMs);
  }

  async #renew(held: Held): Promise<void> {
    const sentMs = this.#nowMs;
    const window = leaseWindow(this.#runtime.time, this.#ttlMs);
    const timeoutMs = renewalTimeoutMs(this.#ttlMs);
    const { signal } = this.#stopping;
    const [answer] = await this.#backend.leases.renew([held.grant], { timeoutMs, signal });
    // Past its old end it was lost, whatever the store says by now: a loss is final.
    if (this.held !== held) return;
    if (answer !== "renewed") return this.#lose(held, "superseded");
    held.window = window;
    held.dueMs = renewalDueMs(sentMs, this.#ttlMs, this.#runtime.random.next());
    this.#setAlarm(held);
    await this.#leftovers.releaseOnce(signal);
  }

  /** Asks for a lease; `beside`: the one that says what is no longer so. */
  async #claim(beside: Held | undefined): Promise<void> {
    const owner = this.#asked?.owner ?? this.#runtime.ids.operation();
    // The same claim until it is answered: asked for twice, it would be there twice.
    const asked = (this.#asked ??= { owner, standing: this.#wanted, born: beside?.born });
    const answer = await this.#ask(asked, beside);
    // Lost or stopped meanwhile: what was asked for goes back.
    if (this.#asked !== asked || this.#stopping.signal.aborted) return;
    this.#asked = undefined;
    if (!answer.granted) return this.#refused(answer.holders, beside);
    const left = leaseLeftMs(this.#runtime.time, answer);
    this.#take({
      grant: answer,
      born: asked.born ?? answer.fencingToken,
      standing: asked.standing,
      window: answer,
      dueMs: renewalDueMs(this.#nowMs, left, this.#runtime.random.next()),
    });
    await this.#leftovers.releaseOnce(this.#stopping.signal);
  }

  /** Alone under the name, or beside leases that are all this member's own. */
  async #ask(asked: Asked, beside: Held | undefined): Promise<Grant | Refusal> {
    const waitMs = beside === undefined ? this.#lineMs : 0;
    const answer = await this.#acquire(asked, beside === undefined ? 1 : 2, waitMs);
    if (answer.granted || this.#othersOf(answer).length > 0) return answer;
    const { length } = answer.holders;
    return length === 0 ? answer : this.#acquire(asked, length + 1, 0);
  }

  #acquire({ owner, standing, born }: Asked, capacity: number, waitMs: Ms): ReturnType<Acquire> {
    return this.#backend.leases.acquire(this.#name, {
      ...{ owner, capacity, waitMs, ttlMs: this.#ttlMs },
      // Beside its own it need not queue: whoever waits waits for all of them to go.
      fair: capacity === 1,
      data: encodeStanding(standing, born),
      signal: this.#stopping.signal,
      // Where there is a lease, its renewal must not have to wait for this.
      ...(capacity === 1 ? {} : { timeoutMs: renewalTimeoutMs(this.#ttlMs) }),
    });
  }

  #othersOf({ holders }: Refusal): LeaseHolder[] {
    const own = this.#held?.grant.owner;
    return holders.filter(({ owner }) => owner !== own && !this.#leftovers.has(owner));
  }

  async #refused(holders: readonly LeaseHolder[], beside: Held | undefined): Promise<void> {
    // Whether the name is still its own, the next renewal tells.
    if (beside !== undefined) return this.#nap(retryDueMs(0, this.#ttlMs));
    const sinceMs = (this.#refusedSinceMs ??= this.#nowMs);
    this.#lineMs = this.#listener.refused(holders[0], this.#nowMs - sinceMs);
  }

  #take(held: Held): void {
    const before = this.#held;
    this.#held = held;
    this.#refusedSinceMs = undefined;
    this.#lineMs = 0;
    if (before !== undefined) this.#leftovers.add(before.grant.owner);
    this.#setAlarm(held);
    this.#listener.held(held, before);
    if (held.standing !== this.#wanted) return;
    for (const told of this.#told) told.resolve();
  }

  #lose(held: Held, reason: LossReason): void {
    if (this.#held !== held) return;
    this.#held = undefined;
    this.#alarm?.cancel();
    // A renewal that was late may have kept it alive in the store.
    if (reason === "expired") this.#leftovers.add(held.grant.owner);
    if (this.#asked !== undefined) this.#leftovers.add(this.#asked.owner);
    this.#asked = undefined;
    this.#listener.lost(held, reason);
    this.#wake();
  }

  /** Notices the end at its time, whether or not a call is under way. */
  #setAlarm(held: Held): void {
    this.#alarm?.cancel();
    const delayMs = Math.max(0, leaseLeftMs(this.#runtime.time, held.window));
    const look = (): void => {
      // Still there: the engine has moved the end on.
      if (this.held === held) this.#setAlarm(held);
    };
    this.#alarm = this.#runtime.time.setTimer(delayMs, look, { keepAlive: false });
  }

  get #nowMs(): Ms {
    return this.#runtime.time.monotonicMs();
  }

  async #nap(ms: Ms): Promise<void> {
    const timer = this.#runtime.time.setTimer(ms, () => this.#wake(), { keepAlive: false });
    await this.#nudge.promise;
    this.#nudge = deferred();
    timer.cancel();
  }

  #wake(): void {
    this.#nudge.resolve();
  }

  #untold(): QuorateError {
    const message =
      `the store did not take what ${show(this.#name)} says now within ${this.#ttlMs} ms; ` +
      `it is told as soon as the store can be reached`;
    const details = { operation: "membership.update", key: this.#name };
    return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
  }
}

type Acquire = Backend["leases"]["acquire"];
