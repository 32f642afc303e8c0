/**
 * A campaign: one rig, three workers that never stop, and one fault after another.
 *
 * Before each fault every primitive works; after it every primitive must work again, in time. What
 * the workers told in between is judged by `judge.ts`, from outside: it knows nothing of what the
 * packages believe about themselves.
 */
import type { Fault } from "./fault.ts";
import { pause } from "./fault.ts";
import { Worker } from "./fleet.ts";
import { type Hold, readHolds } from "./holds.ts";
import { type Verdict, judge } from "./judge.ts";
import { type Primitive, PRIMITIVE_OF, PRIMITIVES, type Route } from "./protocol.ts";

/** Workers of every campaign. */
export const WORKERS = 3;
/** Grants of each primitive that are seen before a fault strikes: there is something to break. */
const WARM_GRANTS = 3;
const WARM_MS = 15_000;
const LOOK_MS = 10;
/** Runs on after the recovery: what was started during the fault shows itself. */
const AFTERMATH_MS = 300;

/** What came of one fault. */
export interface Outcome {
  readonly fault: string;
  readonly rig: string;
  /** From the end of the fault to the next grant, by primitive. */
  readonly recoveredMs: Readonly<Record<Primitive, number>>;
  readonly grants: number;
  readonly verdict: Verdict;
}

interface Ground {
  readonly title: string;
  readonly namespace: string;
  route(worker: number): Route;
}

/** Three workers on a rig. */
export class Campaign<R extends Ground> {
  readonly #rig: R;
  readonly #seed: number;
  readonly #workers: Worker[] = [];
  /** Killed ones too: what they told counts. */
  readonly #all: Worker[] = [];
  #hired = 0;

  private constructor(rig: R, seed: number) {
    this.#rig = rig;
    this.#seed = seed;
  }

  /** Starts the workers on `rig`. */
  static async start<R extends Ground>(rig: R, seed: number): Promise<Campaign<R>> {
    const campaign = new Campaign(rig, seed);
    await campaign.#hire();
    return campaign;
  }

  /** Lets `fault` strike, waits until all work again, and judges what happened. */
  async face(fault: Fault<R>): Promise<Outcome> {
    await this.#hire();
    const beganMs = now();
    await this.#granted(beganMs, WARM_GRANTS, WARM_MS, "before the fault");
    await fault.strike({ rig: this.#rig, workers: this.#workers });
    const healedMs = now();
    const allowedMs = fault.recoveryMs ?? 5_000;
    const recoveredMs = await this.#granted(healedMs, 1, allowedMs, `after “${fault.name}”`);
    await pause(AFTERMATH_MS);
    const { holds, broken } = readHolds(this.#all);
    const during = holds.filter(({ askedMs }) => askedMs >= beganMs);
    return {
      fault: fault.name,
      rig: this.#rig.title,
      recoveredMs,
      grants: during.filter(({ heldMs }) => heldMs !== undefined).length,
      verdict: judge(during, broken, fault),
    };
  }

  /** Lets the workers end. True: all of them left by themselves. */
  async end(): Promise<boolean> {
    const left = await Promise.all(this.#workers.map((worker) => worker.stop()));
    return left.every(Boolean);
  }

  /** Kills what is left. */
  async abandon(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.kill()));
  }

  /** Everything that was told in the whole campaign. */
  get holds(): readonly Hold[] {
    return readHolds(this.#all).holds;
  }

  /** Fills the places of those who were killed. */
  async #hire(): Promise<void> {
    const places = Array.from({ length: WORKERS }, (_, place) => place);
    const hired = places.map(async (place) => {
      if (this.#workers[place]?.isAlive === true) return;
      const name = `w${(this.#hired += 1)}`;
      const { namespace } = this.#rig;
      const seed = this.#seed + this.#hired;
      const worker = await Worker.start({ name, seed, namespace, route: this.#rig.route(place) });
      this.#workers[place] = worker;
      this.#all.push(worker);
    });
    await Promise.all(hired);
  }

  /** How long after `sinceMs` each primitive had `count` grants. */
  async #granted(
    sinceMs: number,
    count: number,
    withinMs: number,
    when: string,
  ): Promise<Record<Primitive, number>> {
    for (;;) {
      const found = this.#grantTimes(sinceMs);
      const missing = PRIMITIVES.filter((primitive) => found[primitive].length < count);
      if (missing.length === 0) {
        const after = (primitive: Primitive): number =>
          (found[primitive].toSorted((a, b) => a - b)[count - 1] ?? 0) - sinceMs;
        return {
          lock: after("lock"),
          semaphore: after("semaphore"),
          "read-write lock": after("read-write lock"),
        };
      }
      if (now() - sinceMs > withinMs) {
        throw new Error(`no ${missing.join(", no ")} was granted within ${withinMs} ms ${when}`);
      }
      await pause(LOOK_MS);
    }
  }

  #grantTimes(sinceMs: number): Record<Primitive, number[]> {
    const found: Record<Primitive, number[]> = { lock: [], semaphore: [], "read-write lock": [] };
    for (const hold of readHolds(this.#all).holds) {
      if (hold.heldMs !== undefined && hold.heldMs > sinceMs) {
        found[PRIMITIVE_OF[hold.kind]].push(hold.heldMs);
      }
    }
    return found;
  }
}

/** The machine's monotonic clock, as the workers read it. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
