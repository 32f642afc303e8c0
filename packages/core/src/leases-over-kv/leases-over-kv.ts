/**
 * Leases on any linearizable kv alone, without a TTL or a clock of the server.
 *
 * One record per name, changed by conditional writes; the line is part of it. Whoever wants the
 * lease counts the holder's silence on its own monotonic clock, from when it first saw the
 * holder's last sign of life, and takes over by a conditional write once `ttlMs` have passed. So
 * wall clocks may be anywhere; rates must agree within 1 %. An uncontended lease costs one write to
 * take, one to renew and one to give back.
 *
 * Guarantees: those of `LeaseStore`. Does not guarantee: a take-over at `ttlMs` sharp (a process
 * that did not watch before counts a full `ttlMs` from its first look); nor a take-over by
 * processes that look once and go, unless the engine knows how old a record is (`ageMs`).
 *
 * Observed expiry as in DynamoDB's lock client and Kubernetes' leader election; the line and its
 * re-checks after etcd's recipes.
 */
import { deferred, linkedController, raceAbort } from "../abort.ts";
import * as check from "../checks.ts";
import { withDeadline } from "../deadline.ts";
import { QuorateError } from "../errors/quorate-error.ts";
import { leaseLeftMs } from "../lease-window.ts";
import { Lifecycle } from "../lifecycle.ts";
import { checkName, checkTarget } from "../names.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CallOptions, ListOptions, Ms, WatchOptions } from "../waist/common.ts";
import type { Entry, KvStore } from "../waist/kv.ts";
import type {
  Grant,
  LeaseEvent,
  LeaseRequest,
  LeaseState,
  LeaseStore,
  Refusal,
  ReleasableGrant,
  Renewal,
} from "../waist/leases.ts";
import {
  checkCall,
  checkClaim,
  type CheckedLease,
  checkLease,
  DEFAULT_REQUEST_TIMEOUT_MS,
  type RequestBounds,
} from "../waist/requests.ts";
import { Desk, type Standing } from "./desk.ts";
import { Desks } from "./desks.ts";
import { holdersOf, leasesBelow, stateOf } from "./observe.ts";
import { renewAll } from "./renew-all.ts";
import type { Claim, LeaseRecord } from "./record.ts";
import { watchLeases } from "./watch.ts";

/** Options of `leasesOverKv`. */
export interface LeasesOverKvOptions {
  readonly runtime: Runtime;
  /**
   * What every key begins with: empty, or ending in `/`. The keys are `prefix + name`, and all
   * below the prefix belongs to these leases alone. @default ""
   */
  readonly prefix?: string;
  /** Deadline of a call that has none of its own. @default 5000 */
  readonly requestTimeoutMs?: Ms;
  /** The shortest TTL accepted. @default 10 */
  readonly minTtlMs?: Ms;
  /** How long a lease that was handed over may go unconfirmed. @default 500 */
  readonly claimWindowMs?: Ms;
  /**
   * The longest record, in bytes: bounds holders and line of one name; about 150 bytes each. At
   * most the kv's own bound on values. @default 262144
   */
  readonly maxRecordBytes?: number;
  /**
   * How long ago the store took `entry`, by the store's own stamps; `undefined` where unknown. With
   * it processes that look once and go can take over too.
   */
  readonly ageMs?: (entry: Entry) => Promise<Ms | undefined>;
  /** How far such stamps may be wrong. @default 1000 */
  readonly skewAllowanceMs?: Ms;
  /** Ends waits and watches, and refuses new calls, when the engine closes. */
  readonly lifecycle?: Lifecycle;
}

/**
 * A lease store on `kv`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 */
export function leasesOverKv(kv: KvStore, options: LeasesOverKvOptions): LeaseStore {
  return new KvLeases(kv, options);
}

/** Reason of the end of a wait; never seen outside. */
const TIME_IS_UP = Symbol("time is up");
/** How long a caller that gave up waits for its claim to be taken back. */
const GIVE_BACK_MS = 1_000;

class KvLeases implements LeaseStore {
  readonly #kv: KvStore;
  readonly #runtime: Runtime;
  readonly #bounds: RequestBounds;
  readonly #lifecycle: Lifecycle;
  readonly #desks: Desks;
  readonly #prefix: string;
  readonly #process: string;
  readonly #ageMs: LeasesOverKvOptions["ageMs"];
  readonly #skewAllowanceMs: Ms;

  constructor(kv: KvStore, options: LeasesOverKvOptions) {
    const { runtime } = options;
    const requestTimeoutMs = check.positive(
      "requestTimeoutMs",
      options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    );
    const maxRecordBytes = check.inRange(
      "maxRecordBytes",
      options.maxRecordBytes ?? 262_144,
      1_024,
      1_048_576,
    );
    this.#kv = kv;
    this.#runtime = runtime;
    this.#bounds = {
      minTtlMs: check.positive("minTtlMs", options.minTtlMs ?? 10),
      maxValueBytes: maxRecordBytes,
      requestTimeoutMs,
      newOperationId: () => runtime.ids.operation(),
    };
    this.#lifecycle = options.lifecycle ?? new Lifecycle("the lease store", runtime);
    this.#prefix = options.prefix ?? "";
    if (this.#prefix !== "" && !this.#prefix.endsWith("/")) {
      throw check.invalidArgument("prefix", this.#prefix, "empty or ending in '/'");
    }
    checkTarget("prefix", this.#prefix);
    this.#process = runtime.ids.operation();
    this.#ageMs = options.ageMs;
    this.#skewAllowanceMs = check.nonNegative("skewAllowanceMs", options.skewAllowanceMs ?? 1_000);
    const claimWindowMs = check.positive("claimWindowMs", options.claimWindowMs ?? 500);
    const context = { kv, runtime, prefix: this.#prefix, claimWindowMs, maxRecordBytes };
    this.#desks = new Desks({ ...context, requestTimeoutMs });
    this.#lifecycle.stopping.addEventListener("abort", () => this.#desks.stop(), { once: true });
  }

  async acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal> {
    const checked = checkLease(name, request, this.#bounds);
    this.#lifecycle.assertOpen();
    return this.#lifecycle.track(this.#acquire(checked));
  }

  async renew(grants: readonly Grant[], options?: CallOptions): Promise<readonly Renewal[]> {
    const call = checkCall(options, this.#bounds);
    for (const grant of grants) {
      checkClaim(grant);
      check.position("grant.fencingToken", grant.fencingToken);
      check.ttl("grant.ttlMs", grant.ttlMs, this.#bounds.minTtlMs);
    }
    this.#lifecycle.assertOpen();
    return this.#lifecycle.track(renewAll(this.#desks, this.#runtime, grants, call));
  }

  async release(grant: ReleasableGrant, options?: CallOptions): Promise<"released" | "expired"> {
    const { signal, timeoutMs } = checkCall(options, this.#bounds);
    const { name, owner, fencingToken: token } = checkClaim(grant);
    this.#lifecycle.assertOpen();
    const asked = this.#desks.of(name).ask({ kind: "release", owner, token }, timeoutMs);
    const { verdict } = await this.#lifecycle.track(
      withDeadline(this.#runtime, asked, {
        // The desk keeps the deadline; this one is for the signal.
        timeoutMs: timeoutMs * 2,
        signal,
        onTimeout: () => abortedRelease(name),
        onAborted: () => abortedRelease(name),
      }),
    );
    return verdict === "released" ? "released" : "expired";
  }

  async inspect(name: string, options?: CallOptions): Promise<LeaseState> {
    const { signal, timeoutMs } = checkCall(options, this.#bounds);
    checkName("name", name);
    this.#lifecycle.assertOpen();
    const desk = this.#desks.of(name);
    const looked = desk.look(timeoutMs).then(async (found) => {
      await this.#learnAge(desk, found.record, found.entry, timeoutMs);
      return stateOf(desk, found.record, this.#runtime.time);
    });
    return this.#lifecycle.track(raceAbort(looked, signal));
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<LeaseState> {
    const call = checkCall(options, this.#bounds);
    this.#lifecycle.assertOpen();
    return leasesBelow(this.#kv, this.#prefix + checkTarget("prefix", prefix), {
      ...call,
      runtime: this.#runtime,
      pageSize: check.positiveInteger("pageSize", options?.pageSize ?? 500),
      judge: (entry, record) => this.#judge(entry, record, call.timeoutMs),
    });
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<LeaseEvent> {
    checkTarget("target", target);
    this.#lifecycle.assertOpen();
    return watchLeases(this.#kv, {
      target,
      prefix: this.#prefix,
      runtime: this.#runtime,
      claimWindowMs: this.#desks.context.claimWindowMs,
      signals: [options?.signal, this.#lifecycle.stopping],
      requestTimeoutMs: this.#bounds.requestTimeoutMs,
    });
  }

  async #acquire(checked: CheckedLease): Promise<Grant | Refusal> {
    const { time } = this.#runtime;
    const endsMs = time.monotonicMs() + checked.waitMs;
    const desk = this.#desks.of(checked.name);
    for (;;) {
      const answer = await this.#claim(desk, checked, endsMs);
      if (!answer.granted) return answer;
      const aborted = checked.signal?.aborted === true;
      if (!aborted && leaseLeftMs(time, answer) > 0) return answer;
      // A grant that comes when it is over, or when nobody wants it any more, is given back.
      await this.#giveBack(desk, checked.owner, answer.fencingToken);
      checked.signal?.throwIfAborted();
      if (time.monotonicMs() >= endsMs) return this.#refusal(desk, desk.record);
    }
  }

  /** One claim, from the first ask to the end of its wait. */
  async #claim(desk: Desk, checked: CheckedLease, endsMs: Ms): Promise<Grant | Refusal> {
    const { owner, weight, capacity, ttlMs, fair, data } = checked;
    const claim = { owner, process: this.#process, weight, capacity, ttlMs, fair, data };
    const wait = endsMs > this.#runtime.time.monotonicMs();
    // Standing in line as long as a lease lasts shows who is dead; for less, ask the store's stamps
    // first, as standing in line writes the record and makes it look young.
    if (this.#ageMs !== undefined && checked.waitMs < ttlMs) {
      const early = await this.#ask(desk, claim, false, checked);
      if (early.verdict === "held" && early.grant) return early.grant;
      await this.#learnAge(desk, early.record, early.entry, checked.timeoutMs);
    }
    const standing: Standing = { claim, granted: deferred(), gone: false };
    standing.granted.promise.catch(() => {}); // Told to the one who waits, if there still is one.
    const reply = await this.#ask(desk, claim, wait, checked, standing);
    if (reply.grant !== undefined) return reply.grant;
    if (reply.verdict === "full") throw lineIsFull(checked.name, reply.record);
    if (reply.verdict !== "waiting") return this.#refusal(desk, reply.record);
    return this.#wait(desk, standing, checked, endsMs);
  }

  async #ask(
    desk: Desk,
    claim: Claim,
    wait: boolean,
    checked: CheckedLease,
    standing?: Standing,
  ): ReturnType<Desk["ask"]> {
    const { signal, timeoutMs } = checked;
    const heard = wait ? standing : undefined;
    try {
      const asked = desk.ask({ kind: "claim", claim, wait }, timeoutMs, heard);
      return await raceAbort(asked, signal);
    } catch (error) {
      if (signal?.aborted === true) await this.#withdraw(desk, claim.owner, standing);
      throw error;
    }
  }

  /** Stands in line until granted, aborted, closed, or the time is up. */
  async #wait(
    desk: Desk,
    standing: Standing,
    checked: CheckedLease,
    endsMs: Ms,
  ): Promise<Grant | Refusal> {
    const { time } = this.#runtime;
    const { owner } = checked;
    const end = linkedController(checked.signal, this.#lifecycle.stopping);
    const leftMs = Math.max(0, endsMs - time.monotonicMs());
    const timer =
      leftMs === Infinity ? undefined : time.setTimer(leftMs, () => end.abort(TIME_IS_UP));
    try {
      return await raceAbort(standing.granted.promise, end.signal);
    } catch (error) {
      if (!end.signal.aborted) throw error;
      if (error !== TIME_IS_UP) {
        await this.#withdraw(desk, owner, standing);
        throw error;
      }
      desk.leave(standing);
      if (desk.waitsHere(owner)) return this.#refusal(desk, desk.record);
      const reply = await desk.ask({ kind: "settle", owner }, checked.timeoutMs);
      return reply.grant ?? this.#refusal(desk, reply.record);
    } finally {
      timer?.cancel();
      end.detach();
    }
  }

  /** Takes a claim back that its caller has given up; where that fails the TTL does it. */
  async #withdraw(desk: Desk, owner: string, standing: Standing | undefined): Promise<void> {
    if (standing !== undefined) desk.leave(standing);
    if (!desk.waitsHere(owner)) await this.#giveBack(desk, owner, undefined);
  }

  async #giveBack(desk: Desk, owner: string, token: number | undefined): Promise<void> {
    const timeoutMs = Math.min(GIVE_BACK_MS, this.#bounds.requestTimeoutMs);
    await desk.ask({ kind: "release", owner, token }, timeoutMs).catch(() => {});
  }

  /** Asks the engine how old the record is, where that can show what our own watching has not. */
  async #learnAge(
    desk: Desk,
    record: LeaseRecord,
    entry: Entry | undefined,
    timeoutMs: Ms,
  ): Promise<void> {
    if (this.#ageMs === undefined || entry === undefined || record.holders.size === 0) return;
    const ageMs = await this.#age(entry, timeoutMs);
    if (ageMs === undefined) return;
    desk.sightings.backdate(record, ageMs, this.#runtime.time.monotonicMs());
  }

  async #age(entry: Entry, timeoutMs: Ms): Promise<Ms | undefined> {
    try {
      const asked = Promise.resolve(this.#ageMs?.(entry));
      const onTimeout = (): undefined => undefined;
      const ageMs = await withDeadline(this.#runtime, asked, { timeoutMs, onTimeout });
      return Number.isFinite(ageMs) ? (ageMs as Ms) - this.#skewAllowanceMs : undefined;
    } catch {
      return undefined; // Then our own watching has to do.
    }
  }

  /** The state of a record that was found in a listing. */
  async #judge(entry: Entry, record: LeaseRecord, timeoutMs: Ms): Promise<LeaseState> {
    const name = entry.key.slice(this.#prefix.length);
    const desk = this.#desks.known(name) ?? new Desk(this.#desks.context, name);
    desk.sightings.see(record, this.#runtime.time.monotonicMs());
    await this.#learnAge(desk, record, entry, timeoutMs);
    return stateOf(desk, record, this.#runtime.time);
  }

  #refusal(desk: Desk, record: LeaseRecord): Refusal {
    return { granted: false, holders: holdersOf(desk, record, this.#runtime.time) };
  }
}

function lineIsFull(name: string, record: LeaseRecord): QuorateError<"STORE_REFUSED"> {
  const { holders, line } = record;
  const reason = `${holders.size} holders and ${line.size} waiters fill its record`;
  const message = `lease ${JSON.stringify(name)} takes no more claims: ${reason}; spread the load over several names, or raise maxRecordBytes`;
  const details = { operation: "lease acquire", reason };
  return new QuorateError("STORE_REFUSED", message, { effect: "none", details });
}

function abortedRelease(name: string): QuorateError<"ABORTED"> {
  const message = `release of lease ${JSON.stringify(name)} was aborted; it may have happened`;
  const details = { operation: "lease release" };
  return new QuorateError("ABORTED", message, { effect: "unknown", details });
}
