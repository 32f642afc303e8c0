/**
 * Clients as a server sees them: each one's clock, the calls seen of it, and those that run.
 *
 * A client is one life of one process: a restarted one is another. What is known of a client is
 * bounded by `MAX_CLIENTS`; beyond it one that has nothing running is forgotten, and is then new
 * again.
 */
import { Bag, type Bagged, type Ms } from "@quorate/core";
import { ClockOffset } from "../clock-offset.ts";
import type { Sender, WireRequest } from "../wire/request.ts";
import { SeenIds } from "./seen-ids.ts";

/** Clients that are remembered. */
export const MAX_CLIENTS = 10_000;

/** A call that runs here, as whoever may end it sees it. */
export interface RunningCall extends Bagged {
  /** The client's number of it. */
  readonly id: number;
  /** Ends it: its handler's signal aborts with `reason`. Twice is fine. */
  abort(reason: unknown): void;
}

/** One life of a client. */
export class ClientLife implements Sender {
  readonly client: string;
  readonly clock: ClockOffset;
  readonly seen: SeenIds = new SeenIds();
  /** Its calls that run. */
  readonly running: Bag<RunningCall> = new Bag();
  /** Under which it holds a lease; its own id unless it says otherwise. */
  name: string;
  /** The fencing token of that lease; `undefined`: not told yet. */
  epoch: number | undefined = undefined;

  constructor(request: WireRequest, nowMs: Ms) {
    this.client = request.client;
    this.name = request.name ?? request.client;
    this.epoch = request.epoch;
    this.clock = new ClockOffset(nowMs, request.era);
  }
}

/** All clients of one server. */
export class Clients {
  readonly #lives = new Map<string, ClientLife>();
  readonly #max: number;

  constructor(max: number = MAX_CLIENTS) {
    this.#max = max;
  }

  /** How many are known. */
  get size(): number {
    return this.#lives.size;
  }

  /** Who sent `request`. */
  of(request: WireRequest, nowMs: Ms): ClientLife {
    const known = this.#lives.get(request.client);
    if (known !== undefined) {
      if (request.epoch !== undefined) known.epoch = request.epoch;
      return known;
    }
    if (this.#lives.size >= this.#max) this.#forgetOne();
    const life = new ClientLife(request, nowMs);
    this.#lives.set(life.client, life);
    return life;
  }

  /** The call, if it runs here. */
  find(client: string, id: number): RunningCall | undefined {
    return this.#lives.get(client)?.running.find((call) => call.id === id);
  }

  /** Ends the calls of those clients; how many. */
  abortWhere(isMeant: (life: ClientLife) => boolean, reason: unknown): number {
    let count = 0;
    for (const life of this.#lives.values()) {
      if (life.running.size === 0 || !isMeant(life)) continue;
      for (const call of life.running.all()) {
        call.abort(reason);
        count += 1;
      }
    }
    return count;
  }

  /** The one that is known longest and has nothing running. */
  #forgetOne(): void {
    for (const [id, life] of this.#lives) {
      if (life.running.size > 0) continue;
      this.#lives.delete(id);
      return;
    }
  }
}
