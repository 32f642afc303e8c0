/**
 * One claim, from its first ask to its grant, its refusal, or its caller's change of mind.
 *
 * Whoever gives up leaves the line and gives back what may have been granted in that instant. A
 * grant that arrives when its time is over is no grant: it is given back too, and asked for again
 * while there is time to wait.
 */
import { deferred, linkedController, raceAbort } from "../abort.ts";
import { QuorateError } from "../errors/quorate-error.ts";
import { leaseLeftMs } from "../lease-window.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { FencingToken, Ms } from "../waist/common.ts";
import type { Grant, Refusal } from "../waist/leases.ts";
import type { CheckedLease } from "../waist/requests.ts";
import type { Ages } from "./ages.ts";
import type { Reply } from "./ask.ts";
import type { Desk } from "./desk.ts";
import { holdersOf } from "./observe.ts";
import type { Claim, LeaseRecord } from "./record.ts";
import type { Standing } from "./standings.ts";

/** What a claim needs besides its desk. */
export interface ClaimContext {
  readonly runtime: Runtime;
  readonly process: string;
  readonly ages: Ages;
  /** Ends all waits. */
  readonly stopping: AbortSignal;
}

/** Reason of the end of a wait; never seen outside. */
const TIME_IS_UP = Symbol("time is up");
/** How long a caller that gave up waits at most for its claim to be taken back. */
const GIVE_BACK_MS = 1_000;

/** A claim in progress. */
export class Claiming {
  readonly #desk: Desk;
  readonly #context: ClaimContext;
  readonly #checked: CheckedLease;
  readonly #claim: Claim;
  readonly #endsMs: Ms;

  constructor(desk: Desk, checked: CheckedLease, context: ClaimContext) {
    const { owner, weight, capacity, ttlMs, fair, data } = checked;
    this.#desk = desk;
    this.#context = context;
    this.#checked = checked;
    this.#claim = { owner, process: context.process, weight, capacity, ttlMs, fair, data };
    this.#endsMs = context.runtime.time.monotonicMs() + checked.waitMs;
  }

  /** Claims until granted in time, refused, or aborted. */
  async run(): Promise<Grant | Refusal> {
    const { signal } = this.#checked;
    for (;;) {
      const answer = await this.#once();
      if (!answer.granted) return answer;
      const inTime = leaseLeftMs(this.#context.runtime.time, answer) > 0;
      if (inTime && signal?.aborted !== true) return answer;
      await this.#giveBack(answer.fencingToken);
      signal?.throwIfAborted();
      if (this.#leftMs() <= 0) return this.#refusal(this.#desk.known.record);
    }
  }

  async #once(): Promise<Grant | Refusal> {
    const { ages } = this.#context;
    const { name, waitMs, ttlMs, timeoutMs } = this.#checked;
    // Standing in line for as long as a lease lasts shows who is dead. For less, ask the engine,
    // and before joining the line: that writes the record, which then looks young.
    if (ages.known && waitMs < ttlMs) {
      const early = await this.#ask(undefined);
      if (early.grant !== undefined) return early.grant;
      await ages.tell(this.#desk, early.record, early.entry, timeoutMs);
    }
    const wait = this.#leftMs() > 0;
    const standing: Standing = { claim: this.#claim, granted: deferred(), gone: false };
    standing.granted.promise.catch(() => {}); // Nobody may be waiting for it any more.
    const reply = await this.#ask(wait ? standing : undefined);
    if (reply.grant !== undefined) return reply.grant;
    if (reply.verdict === "full") throw recordIsFull(name, reply.record);
    if (reply.verdict !== "waiting") return this.#refusal(reply.record);
    return this.#wait(standing);
  }

  /** Asks once; with a `standing` the claim joins the line if it must. */
  async #ask(standing: Standing | undefined): Promise<Reply> {
    const { signal, timeoutMs } = this.#checked;
    const input = { kind: "claim", claim: this.#claim, wait: standing !== undefined } as const;
    try {
      return await raceAbort(this.#desk.ask(input, timeoutMs, standing), signal);
    } catch (error) {
      if (signal?.aborted === true) await this.#withdraw(standing);
      throw error;
    }
  }

  async #wait(standing: Standing): Promise<Grant | Refusal> {
    const { signal, owner, timeoutMs } = this.#checked;
    const { time } = this.#context.runtime;
    const end = linkedController(signal, this.#context.stopping);
    const leftMs = Math.max(0, this.#leftMs());
    const timer =
      leftMs === Infinity ? undefined : time.setTimer(leftMs, () => end.abort(TIME_IS_UP));
    try {
      return await raceAbort(standing.granted.promise, end.signal);
    } catch (error) {
      if (error !== TIME_IS_UP) {
        if (end.signal.aborted) await this.#withdraw(standing);
        throw error;
      }
      this.#desk.leave(standing);
      if (this.#desk.waitsHere(owner)) return this.#refusal(this.#desk.known.record);
      const reply = await this.#desk.ask({ kind: "settle", owner }, timeoutMs);
      return reply.grant ?? this.#refusal(reply.record);
    } finally {
      timer?.cancel();
      end.detach();
    }
  }

  /** Takes back what the caller has given up, unless somebody else here makes the same claim. */
  async #withdraw(standing: Standing | undefined): Promise<void> {
    if (standing !== undefined) this.#desk.leave(standing);
    if (!this.#desk.waitsHere(this.#claim.owner)) await this.#giveBack(undefined);
  }

  /** Where the store cannot be reached, the TTL gives back. */
  async #giveBack(token: FencingToken | undefined): Promise<void> {
    const timeoutMs = Math.min(GIVE_BACK_MS, this.#checked.timeoutMs);
    const { owner } = this.#claim;
    await this.#desk.ask({ kind: "release", owner, token }, timeoutMs).catch(() => {});
  }

  #leftMs(): Ms {
    return this.#endsMs - this.#context.runtime.time.monotonicMs();
  }

  #refusal(record: LeaseRecord): Refusal {
    const { time } = this.#context.runtime;
    return { granted: false, holders: holdersOf(this.#desk, record, time) };
  }
}

function recordIsFull(name: string, record: LeaseRecord): QuorateError<"STORE_REFUSED"> {
  const { holders, line } = record;
  const reason = `${holders.size} holders and ${line.size} waiters fill its record`;
  const cure = "spread the load over several names, or raise maxRecordBytes";
  const message = `lease ${JSON.stringify(name)} takes no more claims: ${reason}; ${cure}`;
  const details = { operation: "lease acquire", reason };
  return new QuorateError("STORE_REFUSED", message, { effect: "none", details });
}
