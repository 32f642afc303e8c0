/**
 * A server for limits to find: so many workers, a service time, and a queue of its own.
 *
 * Pure and seeded: events in virtual time, no promise, no timer.
 */
import { seededRandom } from "@quorate/core/testing";

import type { LimitMachine } from "./limit-machine.ts";

/** The server and the load on it. */
export interface SimulatedServer {
  readonly seed: number;
  /** Served at once; changes as told. */
  workers: number;
  /** Mean time to serve one. */
  serviceMs: number;
  /** How service times scatter. */
  readonly scatter: "none" | "uniform" | "exponential";
  /** Refuses when so many wait; Infinity: never. */
  maxQueued: number;
  /** Calls that are wanted at once; Infinity: as many as the limit lets through. */
  demand: number;
}

/** What a run saw. */
export interface ServerRun {
  /** Limits after each sample. */
  readonly limits: number[];
  readonly ended: number;
  readonly dropped: number;
  /** Mean latency of the answered. */
  readonly rttMs: number;
}

interface Running {
  readonly startedMs: number;
  readonly inFlight: number;
  readonly endsMs: number;
  readonly dropped: boolean;
}

/** A server and a machine that are run against each other. */
export class LimitSimulation {
  readonly #server: SimulatedServer;
  readonly #machine: LimitMachine;
  readonly #random: () => number;
  #nowMs = 0;
  /** When each worker is free. */
  readonly #freeAtMs: number[] = [];
  readonly #running: Running[] = [];

  constructor(server: SimulatedServer, machine: LimitMachine) {
    this.#server = server;
    this.#machine = machine;
    const random = seededRandom(server.seed);
    this.#random = () => random.next();
  }

  /** Until so many calls have ended. */
  run(samples: number): ServerRun {
    const limits: number[] = [];
    let dropped = 0;
    let sumMs = 0;
    for (let index = 0; index < samples; index++) {
      this.#fill();
      const ended = this.#next();
      this.#nowMs = ended.endsMs;
      const rttMs = ended.endsMs - ended.startedMs;
      if (ended.dropped) dropped += 1;
      else sumMs += rttMs;
      this.#machine.sample({ rttMs, inFlight: ended.inFlight, dropped: ended.dropped });
      limits.push(this.#machine.limit);
    }
    return { limits, ended: samples, dropped, rttMs: sumMs / Math.max(1, samples - dropped) };
  }

  #fill(): void {
    while (this.#running.length < Math.max(1, Math.min(this.#machine.limit, this.#server.demand))) {
      this.#begin();
    }
  }

  #begin(): void {
    const { workers, maxQueued } = this.#server;
    const free = this.#freeAtMs;
    while (free.length < workers) free.push(this.#nowMs);
    free.sort((left, right) => right - left).splice(0, free.length - workers);
    const startedMs = this.#nowMs;
    const inFlight = this.#running.length + 1;
    const waiting = this.#running.filter(({ dropped }) => !dropped).length - workers;
    if (waiting >= maxQueued) {
      this.#running.push({ startedMs, inFlight, endsMs: startedMs + 0.5, dropped: true });
      return;
    }
    let soonest = 0;
    for (let index = 1; index < free.length; index++) {
      if ((free[index] as number) < (free[soonest] as number)) soonest = index;
    }
    const endsMs = Math.max(free[soonest] as number, startedMs) + this.#serviceTime();
    free[soonest] = endsMs;
    this.#running.push({ startedMs, inFlight, endsMs, dropped: false });
  }

  #serviceTime(): number {
    const { scatter, serviceMs } = this.#server;
    if (scatter === "none") return serviceMs;
    if (scatter === "uniform") return serviceMs * (0.5 + this.#random());
    return -serviceMs * Math.log(1 - this.#random());
  }

  #next(): Running {
    let at = 0;
    for (let index = 1; index < this.#running.length; index++) {
      if ((this.#running[index] as Running).endsMs < (this.#running[at] as Running).endsMs) {
        at = index;
      }
    }
    return this.#running.splice(at, 1)[0] as Running;
  }
}
