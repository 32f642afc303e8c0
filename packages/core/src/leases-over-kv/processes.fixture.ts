/**
 * Processes that claim leases under faults, and the history that they leave.
 *
 * Each process has its own clocks (an offset, and a rate that is off by up to 0.4 %), can be paused
 * as by SIGSTOP (no timer fires, no answer arrives, clocks go on), cut off, or killed. A holder
 * renews at a third of the TTL and believes its own conservative window only, as a lock does.
 */
import { leaseLeftMs, leaseWindow, type Runtime, sleep } from "../index.ts";
import type { Grant, LeaseRequest, LeaseStore, LeaseWindow } from "../index.ts";
import type { ScriptedRuntime } from "../testing.ts";
import { leasesOverKv, type LeasesOverKvOptions } from "./leases-over-kv.ts";
import { TestLink, type TestStore } from "./test-kv.fixture.ts";

/** A time during which a process believed that it held. All in the world's time. */
export interface Tenure {
  readonly owner: string;
  readonly token: number;
  readonly weight: number;
  readonly askedMs: number;
  readonly fromMs: number;
  /** Grows with renewals; the end once the holder lets go. */
  untilMs: number;
}

/** How a claim ended. */
export type Ending = "granted" | "refused" | "failed" | "pending";

/** One process. */
export class TestProcess {
  readonly link: TestLink;
  readonly leases: LeaseStore;
  readonly tenures: Tenure[] = [];
  state: "alive" | "paused" | "dead" = "alive";
  readonly #world: ScriptedRuntime;
  readonly #rate: number;
  readonly #offsetMs: number;
  #resumed: (() => void)[] = [];

  constructor(
    world: ScriptedRuntime,
    store: TestStore,
    options: Partial<LeasesOverKvOptions> & { readonly drift?: number } = {},
  ) {
    this.#world = world;
    this.#rate = 1 + (options.drift ?? 0);
    this.#offsetMs = 1_000 * Math.floor(world.random.next() * 1_000);
    this.link = new TestLink(store, world, () => this.#whenAwake());
    this.leases = leasesOverKv(this.link, { ...options, runtime: this.runtime });
  }

  get runtime(): Runtime {
    const world = this.#world;
    return {
      random: world.random,
      ids: world.ids,
      events: world.events,
      time: {
        monotonicMs: () => this.#offsetMs + world.time.monotonicMs() * this.#rate,
        // One crystal drives both, and nobody set the wall clock right.
        wallMs: () => 1e12 - 77 * this.#offsetMs + world.time.monotonicMs() * this.#rate,
        setTimer: (delayMs, callback) => {
          let cancelled = false;
          const fire = (): void => {
            if (!cancelled) callback();
          };
          const timer = world.time.setTimer(delayMs / this.#rate, () => {
            if (this.state === "alive") fire();
            else this.#resumed.push(fire);
          });
          return {
            cancel: () => {
              cancelled = true;
              timer.cancel();
            },
          };
        },
      },
    };
  }

  /** Stops for `ms`: timers and answers wait, clocks do not. */
  async pause(ms: number): Promise<void> {
    if (this.state !== "alive") return;
    this.state = "paused";
    await sleep(this.#world, ms);
    if (this.state === "paused") this.#resume();
  }

  /** Dies; nothing of it is ever heard again. */
  kill(): void {
    this.state = "dead";
    this.#resumed = [];
  }

  /** Claims, and holds for `holdMs` if granted. Resolves when it has let go. */
  async use(name: string, request: LeaseRequest, holdMs: number): Promise<Ending> {
    const askedMs = this.#world.time.monotonicMs();
    const answer = await this.leases.acquire(name, request).catch(() => undefined);
    if (answer === undefined) return "failed";
    if (!answer.granted) return "refused";
    await this.#hold(answer, askedMs, holdMs);
    return "granted";
  }

  async #hold(grant: Grant, askedMs: number, holdMs: number): Promise<void> {
    const { time } = this.runtime;
    let window: LeaseWindow = grant;
    const { owner, fencingToken: token, weight, ttlMs } = grant;
    const fromMs = this.#world.time.monotonicMs();
    const untilMs = this.#inWorld(window.validUntilMs);
    const tenure: Tenure = { owner, token, weight, askedMs, fromMs, untilMs };
    this.tenures.push(tenure);
    const doneMs = time.monotonicMs() + holdMs;
    while (time.monotonicMs() < doneMs) {
      const stepMs = Math.min(ttlMs / 3, doneMs - time.monotonicMs());
      await sleep(this.runtime, Math.max(1, Math.min(stepMs, leaseLeftMs(time, window))));
      if (leaseLeftMs(time, window) <= 0) return;
      const next = leaseWindow(time, ttlMs);
      const renewal = await this.leases.renew([grant], { timeoutMs: ttlMs / 3 }).catch(() => []);
      if (renewal[0] === "lost") break;
      if (renewal[0] !== "renewed") continue;
      window = next;
      tenure.untilMs = Math.max(tenure.untilMs, this.#inWorld(window.validUntilMs));
    }
    tenure.untilMs = Math.min(tenure.untilMs, this.#world.time.monotonicMs());
    await this.leases.release(grant).catch(() => undefined);
  }

  #inWorld(localMs: number): number {
    return (localMs - this.#offsetMs) / this.#rate;
  }

  #whenAwake(): Promise<void> {
    if (this.state === "alive") return Promise.resolve();
    return new Promise((resolve) => this.#resumed.push(resolve));
  }

  #resume(): void {
    this.state = "alive";
    const due = this.#resumed;
    this.#resumed = [];
    for (const wake of due) wake();
  }
}

/** What is wrong with a history; empty when nothing is. */
export function faultsOf(tenures: readonly Tenure[], capacity: number): string[] {
  const faults: string[] = [];
  const byStart = [...tenures].sort((left, right) => left.fromMs - right.fromMs);
  for (const [index, one] of byStart.entries()) {
    const others = byStart.slice(0, index).filter((other) => other.untilMs > one.fromMs);
    const weight = others.reduce((sum, other) => sum + other.weight, one.weight);
    if (weight > capacity) faults.push(`at ${one.fromMs} a weight of ${weight} was held`);
    for (const other of byStart) {
      if (other === one) continue;
      if (other.token === one.token) faults.push(`token ${one.token} was granted twice`);
      if (other.fromMs <= one.askedMs && other.token > one.token) {
        faults.push(`token ${one.token} came after ${other.token}`);
      }
    }
  }
  return faults;
}
