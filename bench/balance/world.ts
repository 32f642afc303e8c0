/**
 * A fleet in virtual time: clients that pick by a balancer, and replicas that work calls off.
 *
 * Each client has a balancer of its own and calls at random moments. A replica has a few workers
 * and a line without a bound; one that is sick takes ten times as long for each call, or fails
 * every call in half a millisecond, for as long as its sickness lasts. Nobody times out and nobody
 * retries: what is measured is where calls go, and what becomes of them there.
 *
 * Deterministic: the same seed gives the same run.
 */
import { DueHeap, type Ms, type Runtime, type Waking } from "@quorate/core";
import { ScriptedRuntime, seededRandom } from "@quorate/core/testing";
import type { Balancer, Endpoint, Pick } from "@quorate/discovery";

/** What a replica has, and from when to when. */
export interface Sickness {
  readonly kind: "slow" | "failing";
  readonly fromMs: Ms;
  readonly untilMs: Ms;
}

/** A run. */
export interface FleetOptions {
  readonly seed: number;
  readonly make: (runtime: Runtime) => Balancer;
  readonly durationMs: Ms;
  /** Of the first replica; none: all are equal. */
  readonly sickness?: Sickness | undefined;
  readonly clients?: number | undefined;
  readonly replicas?: number | undefined;
  /** Calls of all clients together. */
  readonly perS?: number | undefined;
}

/** A call that has ended, or not. */
export interface FleetCall {
  readonly beganMs: Ms;
  readonly replica: number;
  /** Infinity: it had not ended when the run did. */
  tookMs: Ms;
  isFault: boolean;
}

const CLIENTS = 20;
const REPLICAS = 10;
const WORKERS = 4;
/** On average; half of it at least. */
const SERVICE_MS = 10;
const SLOWER = 10;
const FAILS_IN_MS = 0.5;
/** Two thirds of what ten replicas can do. */
const PER_S = 2_600;

/** All calls of a run, in the order in which they began. */
export function runFleet(options: FleetOptions): readonly FleetCall[] {
  return new Fleet(options).run();
}

/** The endpoints of such a world. */
export function endpointsOf(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, index) => ({
    service: "work",
    id: `replica-${index}`,
    version: "1.0.0",
    address: `work/${index}`,
    zone: "",
    weight: 1,
    warmUpMs: 0,
    ageMs: 0,
    state: "up" as const,
  }));
}

interface Work {
  readonly call: FleetCall;
  readonly pick: Pick;
}

interface Replica {
  readonly line: Work[];
  busy: number;
}

interface Due extends Waking {
  readonly run: () => void;
}

class Fleet {
  readonly #options: FleetOptions;
  readonly #due = new DueHeap<Due>();
  readonly #calls: FleetCall[] = [];
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #replicas: readonly Replica[];
  readonly #balancers: readonly Balancer[];
  readonly #random: () => number;
  #nowMs = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed).next;
    const endpoints = endpointsOf(options.replicas ?? REPLICAS);
    this.#indexes = new Map(endpoints.map(({ id }, index) => [id, index]));
    this.#replicas = endpoints.map(() => ({ line: [], busy: 0 }));
    this.#balancers = Array.from({ length: options.clients ?? CLIENTS }, (_, client) => {
      const balancer = options.make(this.#runtime(options.seed * 1_000 + client));
      balancer.update(endpoints);
      return balancer;
    });
  }

  run(): readonly FleetCall[] {
    for (const balancer of this.#balancers) this.#callLater(balancer);
    for (;;) {
      const next = this.#due.peek();
      if (next === undefined || next.wakeMs > this.#options.durationMs) return this.#calls;
      this.#due.remove(next);
      this.#nowMs = next.wakeMs;
      next.run();
    }
  }

  /** Chance of its own, our time, and nobody who hears. */
  #runtime(seed: number): Runtime {
    const { ids, events } = new ScriptedRuntime({ seed });
    const time = {
      monotonicMs: () => this.#nowMs,
      wallMs: () => this.#nowMs,
      setTimer: () => {
        throw new Error("a balancer sets no timer");
      },
    };
    return { time, random: seededRandom(seed), ids, events };
  }

  #after(delayMs: Ms, run: () => void): void {
    this.#due.update({ wakeMs: 0, heapIndex: -1, run }, this.#nowMs + delayMs);
  }

  #callLater(balancer: Balancer): void {
    const meanMs = (1_000 * this.#balancers.length) / (this.#options.perS ?? PER_S);
    this.#after(-Math.log(1 - this.#random()) * meanMs, () => {
      this.#call(balancer);
      this.#callLater(balancer);
    });
  }

  #call(balancer: Balancer): void {
    const pick = balancer.pick();
    const replica = this.#indexes.get(pick?.endpoint.id ?? "");
    if (pick === undefined || replica === undefined) throw new Error("nobody was picked");
    const call = { beganMs: this.#nowMs, replica, tookMs: Infinity, isFault: false };
    this.#calls.push(call);
    if (this.#sickness(replica) === "failing") {
      this.#after(FAILS_IN_MS, () => this.#end({ call, pick }, true));
    } else {
      this.#replicas[replica]?.line.push({ call, pick });
      this.#work(replica);
    }
  }

  #work(index: number): void {
    const replica = this.#replicas[index] as Replica;
    if (replica.busy === WORKERS) return;
    const work = replica.line.shift();
    if (work === undefined) return;
    replica.busy += 1;
    const slower = this.#sickness(index) === "slow" ? SLOWER : 1;
    const serviceMs = SERVICE_MS * slower * (0.5 - 0.5 * Math.log(1 - this.#random()));
    this.#after(serviceMs, () => {
      replica.busy -= 1;
      this.#end(work, false);
      this.#work(index);
    });
  }

  #end({ call, pick }: Work, isFault: boolean): void {
    call.tookMs = this.#nowMs - call.beganMs;
    call.isFault = isFault;
    pick.end(isFault ? "fault" : "ok");
  }

  #sickness(replica: number): Sickness["kind"] | undefined {
    const { sickness } = this.#options;
    if (sickness === undefined || replica !== 0) return undefined;
    const isSick = this.#nowMs >= sickness.fromMs && this.#nowMs < sickness.untilMs;
    return isSick ? sickness.kind : undefined;
  }
}
