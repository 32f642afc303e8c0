/**
 * Leases by scripts: claim, renewal and return are one command each, and the line is in the store.
 *
 * `release` hands over to the next in line in the same step and wakes exactly the process
 * concerned; a process that waits sends nothing but its refresh. What a name's record holds, and
 * how a grant by push is believed, is told in `lua/lease.lua` and `grants.ts`; why, in
 * `docs/decisions/0003-redis-hand-over.md`.
 *
 * Guarantees: those of `LeaseStore`, on one server. Does not guarantee that a failover keeps a
 * grant: replication is asynchronous, hence `leaseSafety` is then `best-effort`.
 */
import {
  type CallOptions,
  checkCall,
  checkClaim,
  type CheckedCall,
  type CheckedLease,
  checkLease,
  deferred,
  encodeName,
  type Grant,
  invalidArgument,
  isQuorateError,
  leaseLeftMs,
  type LeaseRequest,
  type LeaseState,
  type LeaseStore,
  type LeaseWindow,
  leaseWindow,
  type ListOptions,
  type Ms,
  onAbort,
  position,
  QuorateError,
  raceAbort,
  type Refusal,
  type ReleasableGrant,
  type Renewal,
  ttl,
  type WatchOptions,
  type LeaseEvent,
} from "@quorate/core";
import { addressOf } from "../client.ts";
import type { Engine } from "../engine.ts";
import type { Partition } from "../partitions.ts";
import { Confirmations } from "./confirmations.ts";
import { grantOf, handedGrantOf } from "./grants.ts";
import { Inboxes } from "./inboxes.ts";
import { type LeaseAnswer, LeaseBatches } from "./lease-batch.ts";
import type { LeaseDesk } from "./lease-desk.ts";
import { inspectLease, listLeases } from "./lease-list.ts";
import { LeaseWatches } from "./lease-watch.ts";
import { Line } from "./line.ts";
import { encodeData, encodeOwner, encodeWeight, shownHolders } from "./wire.ts";

const ASK_AGAIN_MS = 25;
/** How long one who was aborted waits for the store to take his claim back. */
const LEAVE_WITHIN_MS = 50;

/** Leases of one backend. */
export class RedisLeases implements LeaseStore {
  readonly #engine: Engine;
  readonly #batches: LeaseBatches;
  readonly #inboxes: Inboxes;
  readonly #confirmations: Confirmations;
  readonly #line: Line;
  readonly #watches: LeaseWatches;

  constructor(engine: Engine) {
    this.#engine = engine;
    const { link, scripts, clocks, subscriber, runtime, bounds } = engine;
    this.#batches = new LeaseBatches(link, scripts.lease, clocks);
    this.#confirmations = new Confirmations(runtime, async (grant) => {
      const timeoutMs = Math.max(1, leaseLeftMs(runtime.time, grant));
      const [renewal] = await this.#renewAll([grant], Math.min(timeoutMs, bounds.requestTimeoutMs));
      return renewal ?? "lost";
    });
    const desk: LeaseDesk = {
      runtime,
      address: addressOf(link.client),
      confirmations: this.#confirmations,
      stopping: engine.lifecycle.stopping,
      clockOf: ({ name }) => clocks.of(engine.partitions.of(encodeName(name))),
      claim: (request, queue) => this.#claim(request, queue),
      leave: (request, fencingToken) => this.#giveBack(request, request.timeoutMs, fencingToken),
      soon: (work) => this.#soon(work),
    };
    this.#line = new Line(desk, engine.partitions, (partition, push) => {
      const args = ["R", push.field, push.owner, String(push.fencingToken), "1"];
      const call = { operation: "leases.release", timeoutMs: bounds.requestTimeoutMs };
      this.#batches.ask(partition, args, call).catch(() => {});
    });
    this.#inboxes = new Inboxes(
      { link, script: scripts["lease-refresh"], clocks, subscriber, runtime, timeoutMs: 2_000 },
      {
        onPush: (partition, push) => this.#line.hear(partition, push),
        onDoubt: (partition) => this.#line.doubt(partition),
        onRefresh: () => this.#settleAwaited(),
      },
    );
    this.#watches = new LeaseWatches(engine);
  }

  async acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal> {
    const checked = checkLease(name, request, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    return this.#engine.lifecycle.track(this.#acquire(checked));
  }

  async renew(grants: readonly Grant[], options?: CallOptions): Promise<readonly Renewal[]> {
    const call = checkCall(options, this.#engine.bounds);
    if (!Array.isArray(grants)) throw invalidArgument("grants", grants, "an array of grants");
    for (const grant of grants as readonly Grant[]) {
      position("grant.fencingToken", checkClaim(grant).fencingToken);
      ttl("grant.ttlMs", grant.ttlMs, this.#engine.bounds.minTtlMs);
    }
    this.#engine.lifecycle.assertOpen();
    const renewals = this.#renewAll(grants, call.timeoutMs);
    return this.#engine.lifecycle.track(raceAbortedWrite(renewals, "leases.renew", call));
  }

  async release(grant: ReleasableGrant, options?: CallOptions): Promise<"released" | "expired"> {
    const { lifecycle, bounds, runtime } = this.#engine;
    const call = checkCall(options, bounds);
    checkClaim(grant);
    lifecycle.assertOpen();
    this.#confirmations.remove(grant);
    const believed =
      grant.validUntilMs !== undefined && grant.validUntilMs > runtime.time.monotonicMs();
    const given = this.#giveBack(grant, call.timeoutMs, grant.fencingToken);
    const { reply, steady } = await lifecycle.track(
      raceAbortedWrite(given, "leases.release", call),
    );
    if (reply.kind === "released") return "released";
    // Not there, after a connection broke: if we could still believe in it, it was our own first
    // request that gave it back.
    return !steady && believed ? "released" : "expired";
  }

  async inspect(name: string, options?: CallOptions): Promise<LeaseState> {
    const call = checkCall(options, this.#engine.bounds);
    this.#engine.lifecycle.assertOpen();
    return this.#engine.lifecycle.track(inspectLease(this.#engine, name, call));
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<LeaseState> {
    return listLeases(this.#engine, prefix, options);
  }

  watch(target: string, options?: WatchOptions): AsyncIterableIterator<LeaseEvent> {
    return this.#watches.watch(target, options);
  }

  /** Ends upkeep; the backend has ended waits and watches. */
  close(): void {
    this.#confirmations.close();
    this.#inboxes.close();
    this.#watches.close();
  }

  /**
   * Whatever became of those who should watch: the names we wait for are settled now and then.
   */
  #settleAwaited(): void {
    const call = { operation: "leases.settle", timeoutMs: this.#engine.bounds.requestTimeoutMs };
    for (const [partition, fields] of this.#line.names()) {
      for (const field of fields) {
        this.#batches.ask(partition, ["S", field], call).catch(() => {});
      }
    }
  }

  async #acquire(request: CheckedLease): Promise<Grant | Refusal> {
    const { runtime } = this.#engine;
    const { time } = runtime;
    const startedMs = time.monotonicMs();
    for (;;) {
      const window = leaseWindow(time, request.ttlMs);
      const leftMs = request.waitMs - (time.monotonicMs() - startedMs);
      const partition = this.#engine.partitions.of(encodeName(request.name));
      // Whoever hears pushes already joins the line by the first ask; else it is made ready when
      // the answer shows that there is a line to join.
      if (leftMs > 0 && this.#inboxes.hears(partition)) {
        await this.#inboxes.enter(partition, this.#engine.lifecycle.stopping);
        return this.#confirmed(request, await this.#line.wait(request, startedMs, this.#inboxes));
      }
      const { reply, steady, serverMicros } = await this.#askOnce(request);
      if (reply.kind === "granted" && leaseLeftMs(time, window) > 0) {
        return this.#confirmed(request, grantOf(request, reply.fencingToken, window));
      }
      if (reply.kind === "granted") {
        await this.#giveBack(request, request.timeoutMs, reply.fencingToken);
      }
      // A "no" over two connections may be the second answer to one question.
      if (!steady && reply.kind === "refused") continue;
      if (leftMs <= 0) {
        const holders = reply.kind === "refused" ? shownHolders(reply.holders, serverMicros) : [];
        return { granted: false, holders };
      }
      if (reply.kind === "refused") await this.#openInbox(partition, request);
      else await this.#pause(request);
    }
  }

  /** Asks, leaving nothing behind when the caller stops waiting for the answer. */
  #askOnce(request: CheckedLease): Promise<LeaseAnswer> {
    const asked = this.#claim(request, false);
    const { signal } = request;
    return signal === undefined ? asked : this.#unlessAborted(request, signal, asked);
  }

  #unlessAborted(
    request: CheckedLease,
    signal: AbortSignal,
    asked: Promise<LeaseAnswer>,
  ): Promise<LeaseAnswer> {
    return new Promise((resolve, reject) => {
      let left = false;
      const leave = (): void => {
        left = true;
        // What was asked may have been granted by now; asked in order, the return comes after it.
        const given = this.#soon(this.#giveBack(request, request.timeoutMs));
        void given.then(() => reject(signal.reason));
      };
      const off = this.#engine.link.aborts.watch(signal, leave);
      const settle = (how: () => void): void => {
        off();
        if (left) return;
        // An abort that was not listened for yet.
        if (signal.aborted) leave();
        else how();
      };
      asked.then(
        (answer) => settle(() => resolve(answer)),
        (error: unknown) => settle(() => reject(error)),
      );
    });
  }

  /** With `replicas`: a grant that too few replicas have is given back. */
  async #confirmed(request: CheckedLease, answer: Grant | Refusal): Promise<Grant | Refusal> {
    const { replicas, partitions } = this.#engine;
    if (!answer.granted || replicas === undefined) return answer;
    try {
      await replicas.wait(partitions.of(encodeName(request.name)));
      return answer;
    } catch (error) {
      this.#confirmations.remove(answer);
      await this.#giveBack(request, request.timeoutMs, answer.fencingToken).catch(() => {});
      throw error;
    }
  }

  async #openInbox(partition: Partition, request: CheckedLease): Promise<void> {
    const { runtime, lifecycle } = this.#engine;
    const limit = new AbortController();
    const timer = runtime.time.setTimer(request.timeoutMs, () => limit.abort());
    const detach = [
      onAbort(request.signal, () => limit.abort(request.signal?.reason)),
      onAbort(lifecycle.stopping, () => limit.abort(lifecycle.stopping.reason)),
    ];
    try {
      await this.#inboxes.enter(partition, limit.signal);
      this.#inboxes.leave(partition);
    } catch (error) {
      request.signal?.throwIfAborted();
      lifecycle.stopping.throwIfAborted();
      if (isQuorateError(error)) throw error;
      const message = "no connection to listen on: the wait could not begin; nothing is held";
      const details = { operation: "leases.acquire" };
      throw new QuorateError("STORE_UNAVAILABLE", message, { effect: "none", details });
    } finally {
      timer.cancel();
      for (const off of detach) off();
    }
  }

  /** Waits for `work`, but not for a store that does not answer: then the TTL does it. */
  async #soon(work: Promise<unknown>): Promise<void> {
    const { time } = this.#engine.runtime;
    const settled = work.catch(() => {});
    const timer = deferred<void>();
    const limit = time.setTimer(LEAVE_WITHIN_MS, timer.resolve, { keepAlive: false });
    await Promise.race([settled, timer.promise]);
    limit.cancel();
  }

  #pause(request: CheckedLease): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.#engine.runtime.time.setTimer(ASK_AGAIN_MS, () => {
        off();
        resolve();
      });
      const off = onAbort(request.signal, () => {
        timer.cancel();
        reject(request.signal?.reason);
      });
    });
  }

  #claim(request: CheckedLease, queue: boolean): Promise<LeaseAnswer> {
    const { name, timeoutMs } = request;
    const field = encodeName(name);
    const args = [
      "A",
      field,
      encodeOwner(request.owner),
      String(request.ttlMs),
      encodeWeight(request.weight),
      `${request.fair ? "f" : "u"}${request.capacity}\t${queue ? this.#inboxes.id : ""}\t` +
        encodeData(request.data),
    ];
    return this.#batches.ask(this.#engine.partitions.of(field), args, {
      operation: "leases.acquire",
      timeoutMs,
      errorOf: (error) => this.#aboutName(error, name, request.owner),
    });
  }

  /** A batch's error is nobody's in particular; each of its claims has its own way to settle it. */
  #aboutName(error: unknown, name: string, owner: string): unknown {
    if (!isQuorateError(error, "OUTCOME_UNKNOWN")) return error;
    return new QuorateError("OUTCOME_UNKNOWN", error.message.replace(/^OUTCOME_UNKNOWN: /, ""), {
      effect: "unknown",
      details: { ...error.details, key: name },
      resolve: async (options) => {
        const state = await this.inspect(name, options);
        return state.holders.some((holder) => holder.owner === owner) ? "applied" : "unknown";
      },
    });
  }

  #giveBack(
    claim: { readonly name: string; readonly owner: string },
    timeoutMs: Ms,
    fencingToken?: number,
  ): Promise<LeaseAnswer> {
    const field = encodeName(claim.name);
    const token = fencingToken === undefined ? "" : String(fencingToken);
    const args = ["R", field, encodeOwner(claim.owner), token, ""];
    const call = { operation: "leases.release", timeoutMs };
    return this.#batches.ask(this.#engine.partitions.of(field), args, call);
  }

  /** A grant by push moves its window with each renewal; it needs no confirmation any more. */
  #moved(grant: Grant, renewed: boolean, window: LeaseWindow): void {
    const hand = handedGrantOf(grant);
    if (hand === undefined) return;
    this.#confirmations.remove(grant);
    if (renewed) hand.confirm(window);
    else hand.revoke();
  }

  async #renewAll(grants: readonly Grant[], timeoutMs: Ms): Promise<readonly Renewal[]> {
    const { time } = this.#engine.runtime;
    const call = { operation: "leases.renew", timeoutMs };
    const windows = grants.map((grant) => leaseWindow(time, grant.ttlMs));
    const answers = await Promise.all(
      grants.map((grant) => {
        const field = encodeName(grant.name);
        const owner = encodeOwner(grant.owner);
        const args = ["N", field, owner, String(grant.fencingToken), String(grant.ttlMs)];
        return this.#batches.ask(this.#engine.partitions.of(field), args, call);
      }),
    );
    return answers.map(({ reply }, index) => {
      const grant = grants[index];
      const window = windows[index];
      const renewed = reply.kind === "renewed";
      if (grant !== undefined && window !== undefined) this.#moved(grant, renewed, window);
      return renewed ? "renewed" : "lost";
    });
  }
}

/** A write that the caller stopped waiting for: `ABORTED`, and it may have happened. */
function raceAbortedWrite<T>(work: Promise<T>, operation: string, call: CheckedCall): Promise<T> {
  const { signal } = call;
  if (signal === undefined) return work;
  return raceAbort(work, signal).catch((error: unknown) => {
    if (!signal.aborted || error !== signal.reason) throw error;
    const message = `${operation} was aborted in flight; it may have happened`;
    const details = { operation };
    throw new QuorateError("ABORTED", message, { effect: "unknown", details, cause: error });
  });
}
