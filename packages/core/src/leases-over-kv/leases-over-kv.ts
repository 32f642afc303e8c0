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
import { onAbort } from "../abort.ts";
import * as check from "../checks.ts";
import { withDeadline } from "../deadline.ts";
import { QuorateError } from "../errors/quorate-error.ts";
import { Lifecycle } from "../lifecycle.ts";
import { checkName, checkTarget, isPrefix } from "../names.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { CallOptions, ListOptions, Ms, WatchOptions } from "../waist/common.ts";
import type { Entry, KvStore } from "../waist/kv.ts";
import type { Grant, LeaseEvent, LeaseRequest, LeaseState } from "../waist/leases.ts";
import type { LeaseStore, Refusal, ReleasableGrant, Renewal } from "../waist/leases.ts";
import { checkCall, checkClaim, checkLease, type RequestBounds } from "../waist/requests.ts";
import { DEFAULT_REQUEST_TIMEOUT_MS } from "../waist/requests.ts";
import { type AgeOf, Ages } from "./ages.ts";
import { Claiming } from "./claiming.ts";
import { Desk } from "./desk.ts";
import { Desks } from "./desks.ts";
import { leasesBelow, stateOf } from "./observe.ts";
import type { LeaseRecord } from "./record.ts";
import { renewAll } from "./renew-all.ts";
import { watchLeases } from "./watch.ts";

/** Options of `leasesOverKv`. */
export interface LeasesOverKvOptions {
  readonly runtime: Runtime;
  /**
   * What every key begins with: empty, or ending in `/`. A key is `prefix + name`; so with a prefix
   * the longest names do not fit in a kv that keeps to the grammar of names. All below the prefix
   * belongs to these leases alone. @default ""
   */
  readonly prefix?: string;
  /** Deadline of a call that has none of its own. @default 5000 */
  readonly requestTimeoutMs?: Ms;
  /** The shortest TTL accepted. @default 10 */
  readonly minTtlMs?: Ms;
  /** How long a lease that was handed over may go unconfirmed. @default 500 */
  readonly claimWindowMs?: Ms;
  /**
   * The longest record, in bytes: it bounds the holders and the line of one name, about 150 bytes
   * for each. At most the kv's own bound on values, and 1048576. @default 262144
   */
  readonly maxRecordBytes?: number;
  /**
   * How long ago the store took `entry`, by the store's own stamps; `undefined` where unknown. With
   * it, processes that look once and go can take over too.
   */
  readonly ageMs?: (entry: Entry) => Promise<Ms | undefined>;
  /** By how much such an age may be too long. @default 1000 */
  readonly skewAllowanceMs?: Ms;
  /**
   * The engine's life: ends waits and watches, and refuses new calls, when it closes. A wait that
   * ends so leaves the line if the kv still serves it. @default a life without end
   */
  readonly lifecycle?: Lifecycle;
}

/**
 * A lease store on `kv`, which must be linearizable. Needs get, put and delete on condition, and
 * watch; neither its TTLs nor its `list`.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 *
 * @example
 * import { type KvStore, leasesOverKv, systemRuntime } from "@quorate/core";
 * function leasesOf(kv: KvStore) {
 *   return leasesOverKv(kv, { runtime: systemRuntime, prefix: "leases/" });
 * }
 */
export function leasesOverKv(kv: KvStore, options: LeasesOverKvOptions): LeaseStore {
  return new KvLeases(kv, options);
}

class KvLeases implements LeaseStore {
  readonly #kv: KvStore;
  readonly #runtime: Runtime;
  readonly #bounds: RequestBounds;
  readonly #lifecycle: Lifecycle;
  readonly #desks: Desks;
  readonly #ages: Ages;
  readonly #prefix: string;
  /** Names this store to others: the claims of one process live and die together. */
  readonly #process: string;

  constructor(kv: KvStore, options: LeasesOverKvOptions) {
    const { runtime } = options;
    const prefix = options.prefix ?? "";
    if (!isPrefix(prefix)) throw check.invalidArgument("prefix", prefix, "empty or ending in '/'");
    const timeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    const requestTimeoutMs = check.positive("requestTimeoutMs", timeoutMs);
    const maxBytes = options.maxRecordBytes ?? 262_144;
    const maxRecordBytes = check.inRange("maxRecordBytes", maxBytes, 1_024, 1_048_576);
    const claimWindowMs = check.positive("claimWindowMs", options.claimWindowMs ?? 500);
    const skewMs = check.nonNegative("skewAllowanceMs", options.skewAllowanceMs ?? 1_000);
    const ageOf: AgeOf | undefined = options.ageMs && check.callable("ageMs", options.ageMs);
    this.#kv = kv;
    this.#runtime = runtime;
    this.#bounds = {
      minTtlMs: check.positive("minTtlMs", options.minTtlMs ?? 10),
      maxValueBytes: maxRecordBytes,
      requestTimeoutMs,
      newOperationId: () => runtime.ids.operation(),
    };
    this.#lifecycle = options.lifecycle ?? new Lifecycle("the lease store", runtime);
    this.#prefix = checkTarget("prefix", prefix);
    this.#process = runtime.ids.operation();
    this.#ages = new Ages(runtime, ageOf, skewMs);
    const sizes = { claimWindowMs, maxRecordBytes, requestTimeoutMs };
    this.#desks = new Desks({ kv, runtime, prefix, ...sizes });
    const { stopping, signal } = this.#lifecycle;
    onAbort(stopping, () => this.#desks.stop());
    onAbort(signal, () => this.#desks.cut(signal.reason));
  }

  async acquire(name: string, request: LeaseRequest): Promise<Grant | Refusal> {
    const checked = checkLease(name, request, this.#bounds);
    this.#lifecycle.assertOpen();
    const claiming = new Claiming(this.#desks.of(name), checked, {
      runtime: this.#runtime,
      process: this.#process,
      ages: this.#ages,
      stopping: this.#lifecycle.stopping,
    });
    return this.#lifecycle.track(claiming.run());
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
        timeoutMs: timeoutMs * 2, // The desk keeps the deadline; this one is for the signal.
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
    const look = async (): Promise<LeaseState> => {
      const { record, entry } = await desk.look(timeoutMs);
      await this.#ages.tell(desk, record, entry, timeoutMs);
      return stateOf(desk, record, this.#runtime.time);
    };
    const onTimeout = (): unknown => inspectTimeout(name, timeoutMs);
    const bounded = withDeadline(this.#runtime, look(), { timeoutMs, signal, onTimeout });
    return this.#lifecycle.track(bounded);
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<LeaseState> {
    const call = checkCall(options, this.#bounds);
    if (!isPrefix(prefix)) throw check.invalidArgument("prefix", prefix, "empty or ending in '/'");
    checkTarget("prefix", prefix);
    this.#lifecycle.assertOpen();
    return leasesBelow(this.#kv, this.#prefix + prefix, {
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
      signals: [options?.signal, this.#lifecycle.stopping],
      requestTimeoutMs: this.#bounds.requestTimeoutMs,
    });
  }

  /** The state of a record that was found in a listing. */
  async #judge(entry: Entry, record: LeaseRecord, timeoutMs: Ms): Promise<LeaseState> {
    const name = entry.key.slice(this.#prefix.length);
    const desk = this.#desks.known(name) ?? new Desk(this.#desks.context, name);
    desk.sightings.see(record, this.#runtime.time.monotonicMs());
    await this.#ages.tell(desk, record, entry, timeoutMs);
    return stateOf(desk, record, this.#runtime.time);
  }
}

function abortedRelease(name: string): QuorateError<"ABORTED"> {
  const message = `release of lease ${JSON.stringify(name)} was aborted; it may have happened`;
  const details = { operation: "lease release" };
  return new QuorateError("ABORTED", message, { effect: "unknown", details });
}

function inspectTimeout(name: string, timeoutMs: Ms): QuorateError<"TIMEOUT"> {
  const message = `lease ${JSON.stringify(name)} could not be read within ${timeoutMs} ms`;
  const details = { operation: "lease inspect", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}
