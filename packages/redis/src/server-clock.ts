/**
 * What the server's clock reads at most, told from this process's own.
 *
 * Each answer carries the server's time S, taken after its request left at t. So the server's clock
 * is ahead of ours by no more than S - t: every answer gives an upper bound, the smallest of the
 * recent ones is the best. With it a process knows, without another round trip, that a moment on
 * the server's clock has not come yet, which is what one who was granted a lease by push needs.
 *
 * Guarantees: sound as long as both clocks run at rates within the lease margin of each other and
 * the server's is not stepped. HAZARD: a step forward goes unnoticed until the next answer; for so
 * long a lease granted by push may be believed longer than the server keeps it, by the step, and
 * never longer than the claim window. A step is noticed when an answer contradicts what we thought.
 *
 * Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989).
 */
import { invariant, leaseMarginMs, type LeaseWindow, type Ms, type Time } from "@quorate/core";
import type { Partition } from "./partitions.ts";

/** Bounds older than this many ms are forgotten: clocks drift. */
const BUCKET_MS = 5_000;

interface Offset {
  /** Server's ms minus ours, at most. */
  readonly monotonicMs: Ms;
  readonly wallMs: Ms;
}

/** Upper bounds of one server's clock. */
export class ServerClock {
  readonly #time: Time;
  readonly #place: () => string;
  /** Where the server was that the bounds are of. */
  #learntAt = "";
  #young: Offset | undefined;
  #old: Offset | undefined;
  #bucketMs = 0;
  #seenMicros = 0;

  /** `place` names the server that is asked; another server has another clock. */
  constructor(time: Time, place: () => string = () => "") {
    this.#time = time;
    this.#place = place;
  }

  /** The connection is another one, perhaps to another server: nothing is known any more. */
  forget(): void {
    this.#old = this.#young = undefined;
    this.#seenMicros = 0;
  }

  /** Learns from an answer whose request left at `sentMs` (monotonic), now. */
  learn(serverMicros: number, sentMs: Ms): void {
    const place = this.#place();
    if (place !== this.#learntAt) this.forget();
    this.#learntAt = place;
    const nowMs = this.#time.monotonicMs();
    const serverMs = serverMicros / 1_000;
    const monotonicMs = serverMs - sentMs;
    this.#seenMicros = Math.max(this.#seenMicros, serverMicros);
    const known = this.#best();
    // The answer came after S: had the bound been true, S could not lie so far ahead of it.
    const stepped = known !== undefined && serverMs - nowMs > known.monotonicMs + 1;
    if (stepped) this.#old = this.#young = undefined;
    if (nowMs - this.#bucketMs > BUCKET_MS) {
      this.#old = nowMs - this.#bucketMs > 2 * BUCKET_MS ? undefined : this.#young;
      this.#young = undefined;
      this.#bucketMs = nowMs;
    }
    if (this.#young !== undefined && this.#young.monotonicMs <= monotonicMs) return;
    this.#young = { monotonicMs, wallMs: serverMs - (this.#time.wallMs() - (nowMs - sentMs)) };
  }

  /** Latest reading that the server's clock can show `inMs` from now, in µs; 0: not known. */
  latestMicros(inMs: Ms): number {
    const best = this.#best();
    if (best === undefined) return 0;
    return Math.ceil((this.#time.monotonicMs() + inMs + best.monotonicMs) * 1_000);
  }

  /** A reading that the server's clock has shown already, in µs; 0: not known. */
  earliestMicros(): number {
    return this.#seenMicros;
  }

  /** Until when, on our clocks, the server's clock has surely not reached `endMicros`. */
  windowUntil(endMicros: number, ttlMs: Ms): LeaseWindow {
    const best = this.#best();
    if (best === undefined) return { validUntilMs: -Infinity, validUntilWallMs: -Infinity };
    const endMs = endMicros / 1_000 - leaseMarginMs(ttlMs);
    return {
      validUntilMs: endMs - best.monotonicMs,
      validUntilWallMs: endMs - best.wallMs,
    };
  }

  #best(): Offset | undefined {
    const old = this.#time.monotonicMs() - this.#bucketMs > 2 * BUCKET_MS;
    if (old || this.#place() !== this.#learntAt) return undefined;
    if (this.#young === undefined) return this.#old;
    if (this.#old === undefined) return this.#young;
    return this.#young.monotonicMs <= this.#old.monotonicMs ? this.#young : this.#old;
  }
}

/** The clocks of all partitions: one on a single server, one each in a cluster. */
export class ServerClocks {
  readonly #clocks: ReadonlyMap<Partition, ServerClock>;

  /** `placeOf` names the node of a partition; left out where there is one server. */
  constructor(
    time: Time,
    partitions: readonly Partition[],
    placeOf?: (partition: Partition) => string,
  ) {
    const one = new ServerClock(time);
    this.#clocks = new Map(
      partitions.map((partition) => [
        partition,
        placeOf === undefined ? one : new ServerClock(time, () => placeOf(partition)),
      ]),
    );
  }

  /** The clock by which `partition` is judged. */
  of(partition: Partition): ServerClock {
    const clock = this.#clocks.get(partition);
    invariant(clock !== undefined, "a partition of another namespace");
    return clock;
  }

  /** A connection broke. */
  forget(): void {
    for (const clock of this.#clocks.values()) clock.forget();
  }
}
