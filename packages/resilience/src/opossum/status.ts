/**
 * Statistics of a circuit, for dashboards: what opossum calls its status.
 *
 * A window of buckets by absolute time, as long as `rollingCountTimeout`. Counting is an addition;
 * sums, means and percentiles are made when somebody reads them, from at most a thousand latencies
 * a bucket, drawn evenly from all. There is no timer but while somebody listens to `snapshot`.
 */
import { EventEmitter } from "node:events";

import {
  type Ms,
  positive,
  positiveInteger,
  type Random,
  type Runtime,
  systemRuntime,
  type Timer,
} from "@quorate/core";

import { tell } from "./tell.ts";

/** Something that says when a bucket is full, instead of time: an `EventEmitter`. */
export interface RotateController {
  /** Listens to `rotate`. */
  on(event: "rotate", listener: () => void): unknown;
  /** Stops listening. */
  removeListener(event: "rotate", listener: () => void): unknown;
}

/** What is counted. */
export interface Counts {
  failures: number;
  fallbacks: number;
  successes: number;
  rejects: number;
  fires: number;
  timeouts: number;
  cacheHits: number;
  cacheMisses: number;
  coalesceCacheHits: number;
  coalesceCacheMisses: number;
  semaphoreRejections: number;
}

/** One bucket of the window. */
export interface Bucket extends Counts {
  /** Filled in sums only. */
  percentiles: Record<string, number>;
  /** In milliseconds; at most 1,000, drawn evenly from all. */
  latencyTimes: number[];
}

/** Sums of the window. */
export interface Stats extends Bucket {
  /** Mean latency in milliseconds; -1 without percentiles. */
  latencyMean: number;
}

/** Options of a status. */
export interface StatusOptions {
  /** Length of the window. @default 10_000 */
  readonly rollingCountTimeout?: number | undefined;
  /** Buckets of the window. @default 10 */
  readonly rollingCountBuckets?: number | undefined;
  /** Whether latencies are kept. @default true */
  readonly rollingPercentilesEnabled?: boolean | undefined;
  /** Whether `snapshot` is emitted once a bucket, while anybody listens. @default true */
  readonly enableSnapshots?: boolean | undefined;
  /** Rotates the buckets instead of time. */
  readonly rotateBucketController?: RotateController | undefined;
  /** Counts to begin with. */
  readonly stats?: Partial<Stats> | undefined;
  /** Where time comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

const PERCENTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1] as const;
const MOST_LATENCIES = 1_000;
const MOST_BUCKETS = 10_000;

/** The rolling statistics of one circuit. */
export class Status extends EventEmitter<{ snapshot: [Stats] }> {
  readonly rollingPercentilesEnabled: boolean;
  /** @internal Number of the bucket at an instant. */
  readonly bucketAt: (nowMs: Ms) => number;
  /** @internal */
  readonly buckets: number;
  readonly #bucketMs: number;
  readonly #runtime: Runtime;
  readonly #ring: (RingBucket | undefined)[];
  readonly #enableSnapshots: boolean;
  readonly #controller: RotateController | undefined;
  #rotations = 0;
  readonly #rotate = (): void => void (this.#rotations += 1);
  #timer: Timer | undefined = undefined;

  constructor(options: StatusOptions = {}) {
    super();
    this.#runtime = options.runtime ?? systemRuntime;
    this.buckets = positiveInteger("rollingCountBuckets", options.rollingCountBuckets ?? 10);
    const lastMs = positive("rollingCountTimeout", options.rollingCountTimeout ?? 10_000);
    this.#bucketMs = lastMs / Math.min(this.buckets, MOST_BUCKETS);
    this.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
    this.#enableSnapshots = options.enableSnapshots !== false;
    this.#controller = options.rotateBucketController;
    this.#controller?.on("rotate", this.#rotate);
    this.bucketAt =
      this.#controller === undefined
        ? (nowMs) => Math.floor(nowMs / this.#bucketMs)
        : () => this.#rotations;
    this.#ring = Array.from({ length: this.buckets });
    if (options.stats !== undefined) this.#bucket(this.#bucketNow()).prime(options.stats);
    this.on("newListener" as never, ((name: string) => this.#listened(name)) as never);
  }

  /** Sums of the window, made afresh. */
  get stats(): Stats {
    const stats: Stats = { ...emptyCounts(), percentiles: {}, latencyTimes: [], latencyMean: 0 };
    let latencySumMs = 0;
    let latencies = 0;
    for (const bucket of this.#live()) {
      for (const name of COUNT_NAMES) stats[name] += bucket.counts[name];
      stats.latencyTimes.push(...bucket.latencyTimes);
      latencySumMs += bucket.latencySumMs;
      latencies += bucket.latencies;
    }
    const { rollingPercentilesEnabled: isOn } = this;
    stats.latencyTimes.sort((left, right) => left - right);
    stats.latencyMean = isOn ? latencySumMs / Math.max(1, latencies) : -1;
    for (const share of PERCENTILES) {
      stats.percentiles[share] = isOn ? percentile(share, stats.latencyTimes) : -1;
    }
    return stats;
  }

  /** The buckets, newest first. */
  get window(): Bucket[] {
    const newest = this.#bucketNow();
    return Array.from({ length: this.buckets }, (_, age) => {
      const bucket = this.#ring[modulo(newest - age, this.buckets)];
      const isLive = bucket !== undefined && bucket.number === newest - age;
      return isLive ? bucket.show() : { ...emptyCounts(), percentiles: {}, latencyTimes: [] };
    });
  }

  /** @internal Counts one event at `nowMs`, and a latency if it has one. */
  increment(name: keyof Counts, nowMs: Ms, latencyMs?: Ms): void {
    const bucket = this.#bucket(this.bucketAt(nowMs));
    bucket.counts[name] += 1;
    if (latencyMs !== undefined && this.rollingPercentilesEnabled) {
      bucket.remember(latencyMs, this.#runtime.random);
    }
  }

  /** Ends it: no snapshots, no listeners. */
  shutdown(): void {
    this.#timer?.cancel();
    this.#controller?.removeListener("rotate", this.#rotate);
    this.removeAllListeners();
  }

  *#live(): Iterable<RingBucket> {
    const newest = this.#bucketNow();
    for (const bucket of this.#ring) {
      if (bucket !== undefined && bucket.number > newest - this.buckets) yield bucket;
    }
  }

  #bucketNow(): number {
    return this.bucketAt(this.#runtime.time.monotonicMs());
  }

  #bucket(number: number): RingBucket {
    const at = modulo(number, this.buckets);
    const bucket = this.#ring[at];
    if (bucket !== undefined && bucket.number === number) return bucket;
    return (this.#ring[at] = new RingBucket(number));
  }

  #listened(name: string): void {
    if (name === "snapshot" && this.#enableSnapshots && this.#timer === undefined) this.#arm();
  }

  #arm(): void {
    const tick = (): void => {
      this.#timer = undefined;
      if (this.listenerCount("snapshot") === 0) return;
      this.#arm();
      tell(this, "snapshot", [this.stats], this.#runtime);
    };
    this.#timer = this.#runtime.time.setTimer(this.#bucketMs, tick, { keepAlive: false });
  }
}

const COUNT_NAMES: readonly (keyof Counts)[] = [
  "failures",
  "fallbacks",
  "successes",
  "rejects",
  "fires",
  "timeouts",
  "cacheHits",
  "cacheMisses",
  "coalesceCacheHits",
  "coalesceCacheMisses",
  "semaphoreRejections",
];

class RingBucket {
  readonly number: number;
  readonly counts: Counts = emptyCounts();
  readonly latencyTimes: number[] = [];
  latencies = 0;
  latencySumMs = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Vitter's algorithm R: each of all latencies is kept with the same chance. */
  remember(latencyMs: number, random: Random): void {
    this.latencies += 1;
    this.latencySumMs += latencyMs;
    if (this.latencyTimes.length < MOST_LATENCIES) return void this.latencyTimes.push(latencyMs);
    const at = Math.floor(random.next() * this.latencies);
    if (at < MOST_LATENCIES) this.latencyTimes[at] = latencyMs;
  }

  /** Stats may come from anywhere: only numbers are taken over. */
  prime(stats: Partial<Stats>): void {
    for (const name of COUNT_NAMES) this.counts[name] = count(stats[name]);
    const given: unknown = stats.latencyTimes;
    const times = Array.isArray(given) ? given.slice(0, MOST_LATENCIES).map(count) : [];
    this.latencyTimes.push(...times);
    this.latencies = times.length;
    this.latencySumMs = times.reduce((sum, ms) => sum + ms, 0);
  }

  show(): Bucket {
    return { ...this.counts, percentiles: {}, latencyTimes: [...this.latencyTimes] };
  }
}

function emptyCounts(): Counts {
  return {
    failures: 0,
    fallbacks: 0,
    successes: 0,
    rejects: 0,
    fires: 0,
    timeouts: 0,
    cacheHits: 0,
    cacheMisses: 0,
    coalesceCacheHits: 0,
    coalesceCacheMisses: 0,
    semaphoreRejections: 0,
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

function percentile(share: number, sorted: readonly number[]): number {
  if (share === 0) return sorted[0] ?? 0;
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
