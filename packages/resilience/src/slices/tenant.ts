/**
 * A tenant: one instance's part in a fleet that shares a rate through the store.
 *
 * Whoever uses the rate says so by `ask`, and reads what it may use from `usable`: two clocks and a
 * field. Once a period, and only while there is traffic, the tenant renews its slice by
 * compare-and-set of the fleet's record: how much it could have used, how much it holds. A raise
 * counts when the store has confirmed it; a cut counts before it is sent. So what all use together
 * is never more than what the record says, and that never more than the whole.
 *
 * Cost: about two store calls per active instance and period (one where it is alone), at most
 * seven; none while idle: after three periods without traffic the slice is given back.
 *
 * HAZARD: a record that the store loses (a flush, a failover that forgets) is lent anew while old
 * slices still run: up to twice the whole, for at most one lease.
 */
import {
  type Entry,
  isQuorateError,
  type KvStore,
  leaseWindow,
  type Ms,
  QuorateError,
  type Revision,
  type Runtime,
  type Timer,
} from "@quorate/core";

import { decodeFleet, encodeFleet, type FleetRecord, PARTS } from "./fleet-record.ts";
import { emptyFleet, lend, type LendTerms, takeOut } from "./lend.ts";
import { Sightings } from "./sightings.ts";
import { type OnStoreLost, Tenure } from "./tenure.ts";

/** Periods of a lease: two renewals may fail. */
const PERIODS_OF_LEASE = 3;

/** Periods without traffic after which the slice is given back. */
const QUIET_PERIODS = 3;

/** Times that a conflict is answered by another try in one turn. */
const MAX_TRIES = 6;

/** Share of a demand that is believed to last when it is not seen. */
const FADING = 0.5;

/** The record outlives its fleet by a day, also where a store's clock is set forward by hours. */
const RETENTION_MS = 86_400_000;

/** What a tenant tells its owner. */
export interface TenantOwner {
  /** Permits that are waited for: a demand as well, for as long as it lasts. */
  owed(): number;
  /** What may be used has changed, or an answer has come; `savings` are thousandths of permits. */
  sliceChanged(savings: number): void;
  /** The store could not be asked, or refused: a code, or what was thrown. */
  storeLost(error: unknown): void;
}

/** Options of a tenant, checked by its owner. */
export interface TenantOptions {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly key: string;
  readonly terms: LendTerms;
  readonly periodMs: Ms;
  readonly onStoreLost: OnStoreLost;
}

/** A record as it was read. */
interface Reading {
  readonly entry: Entry | undefined;
  readonly receivedMs: Ms;
}

/** `idle`: nothing at the store, no timer. `joining`: the first answer is on its way. */
type State = "idle" | "joining" | "settled" | "leaving" | "closed";

/** One instance of a fleet. */
export class Tenant {
  readonly #owner: TenantOwner;
  readonly #options: TenantOptions;
  readonly #call: { readonly timeoutMs: Ms };
  readonly #tenure: Tenure;
  readonly #sightings: Sightings;
  readonly #id: string;
  readonly #leaseMs: Ms;
  #state: State = "idle";
  #timer: Timer | undefined;
  #turning: Promise<void> = Promise.resolve();
  #asked = 0;
  #demand = 0;
  #quiet = 0;
  #beat = 0;
  #measuredMs = 0;
  /** Ours and alone in it: the next renewal can do without reading it first. */
  #alone: Reading | undefined;
  #instances = 0;

  constructor(owner: TenantOwner, options: TenantOptions) {
    this.#owner = owner;
    this.#options = options;
    const { periodMs, onStoreLost, runtime, terms } = options;
    this.#call = { timeoutMs: periodMs / 2 };
    this.#leaseMs = PERIODS_OF_LEASE * periodMs;
    const aloneParts = Math.max(1, Math.floor(PARTS / terms.maxInstances));
    this.#tenure = new Tenure({ onStoreLost, periodMs, aloneParts });
    this.#sightings = new Sightings(this.#leaseMs);
    this.#id = runtime.ids.operation();
  }

  /** Parts that may be used now. */
  get usable(): number {
    return this.#tenure.usableAt(this.#options.runtime.time);
  }

  /** Whether the store knows what is used here: no lease has run out. */
  get isRightful(): boolean {
    return this.#tenure.isRightful(this.#options.runtime.time);
  }

  /** Instances of the fleet, this one included, when it was last heard of. */
  get instances(): number {
    return this.#instances;
  }

  /** Whether a slice is on its way to one who has none: worth waiting for. */
  get isSetting(): boolean {
    return this.#state === "joining" || (this.#state === "leaving" && this.#asked > 0);
  }

  /** `count` permits were wanted, and perhaps given. Joins the fleet at the first. */
  ask(count: number): void {
    this.#asked += count;
    if (this.#state === "idle") this.#join();
  }

  /** Gives the slice back, and stops. Resolves when nothing is under way; never rejects. */
  async close(): Promise<void> {
    if (this.#state === "closed") return this.#turning;
    const wasIdle = this.#state === "idle";
    this.#state = "closed";
    this.#timer?.cancel();
    this.#timer = undefined;
    const underWay = this.#turning;
    this.#turning = underWay.then(async () => {
      if (!wasIdle) await this.#giveBack();
    });
    return this.#turning;
  }

  #join(): void {
    const { runtime, periodMs } = this.#options;
    this.#state = "joining";
    this.#measuredMs = runtime.time.monotonicMs() - periodMs;
    this.#turn();
  }

  #turn(): void {
    this.#timer = undefined;
    this.#measure();
    const leaves = this.#quiet >= QUIET_PERIODS;
    if (leaves) this.#state = "leaving";
    this.#turning = (leaves ? this.#giveBack() : this.#renew()).then((ok) => this.#turned(ok));
  }

  #turned(ok: boolean): void {
    if (this.#state === "closed") return;
    if (this.#state === "leaving") {
      this.#state = "idle";
      this.#quiet = 0;
      if (this.#asked > 0) this.#join();
      return;
    }
    this.#state = "settled";
    this.#owner.sliceChanged(0);
    const { runtime, periodMs } = this.#options;
    // Instances that were started together must not meet at the record for ever.
    const jitter = 0.9 + 0.2 * runtime.random.next();
    const delayMs = (ok ? periodMs : periodMs / 2) * jitter;
    this.#timer = runtime.time.setTimer(delayMs, () => this.#turn(), { keepAlive: false });
  }

  /** What the traffic since the last turn comes to, in parts of the whole. */
  #measure(): void {
    const { runtime, terms } = this.#options;
    const nowMs = runtime.time.monotonicMs();
    const wanted = this.#asked + this.#owner.owed();
    const wholeMs = (wanted * terms.perMs) / terms.limit;
    const elapsedMs = Math.max(1, nowMs - this.#measuredMs);
    const seen = Math.min(PARTS, Math.ceil((PARTS * wholeMs) / elapsedMs));
    // What could never be had, under a crowd, is not remembered as a need.
    const before = Math.min(this.#demand, this.#tenure.parts);
    this.#demand = Math.max(seen, Math.floor(before * FADING));
    this.#quiet = wanted === 0 ? this.#quiet + 1 : 0;
    this.#asked = 0;
    this.#measuredMs = nowMs;
  }

  /** True if the store has confirmed a slice. */
  async #renew(): Promise<boolean> {
    const { kv, key, runtime } = this.#options;
    try {
      let reading = this.#alone ?? (await this.#read());
      this.#alone = undefined;
      for (let tries = 0; tries < MAX_TRIES && this.#state !== "closed"; tries++) {
        const fleet = this.#fleetOf(reading);
        this.#beat += 1;
        const dead = this.#sightings.observe(fleet, reading.receivedMs);
        const bid = { id: this.#id, demand: this.#demand, beat: this.#beat, dead };
        const loan = lend(fleet, { ...bid, ageMs: this.#ageMs(reading) }, this.#options.terms);
        this.#instances = loan?.record.slices.length ?? fleet.slices.length;
        // Before the request leaves: what is given up may be lent to others from then on.
        this.#lower(loan?.held ?? 0);
        if (loan === undefined) return false;
        const window = leaseWindow(runtime.time, this.#leaseMs);
        const expect: Revision | "absent" = reading.entry?.revision ?? "absent";
        const write = { expect, ttlMs: RETENTION_MS, ...this.#call };
        const put = await kv.put(key, encodeFleet(loan.record), write);
        const receivedMs = runtime.time.monotonicMs();
        if (put.ok) {
          this.#tenure.granted(loan.held, window);
          if (this.#instances === 1) this.#alone = { entry: put.entry, receivedMs };
          this.#owner.sliceChanged(loan.savings);
          return true;
        }
        reading = { entry: put.current, receivedMs };
      }
    } catch (error) {
      this.#tenure.cutOff();
      this.#owner.storeLost(isQuorateError(error) ? error.code : error);
    }
    return false;
  }

  /** What cannot be given back now ends by itself. */
  async #giveBack(): Promise<boolean> {
    const { kv, key, terms } = this.#options;
    this.#tenure.ended();
    this.#alone = undefined;
    this.#demand = 0;
    this.#owner.sliceChanged(0);
    try {
      let reading = await this.#read();
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const fleet = this.#fleetOf(reading);
        const rest = takeOut(fleet, this.#id, { ageMs: this.#ageMs(reading), terms });
        if (rest === undefined || reading.entry === undefined) return true;
        const write = { expect: reading.entry.revision, ttlMs: RETENTION_MS, ...this.#call };
        const put = await kv.put(key, encodeFleet(rest), write);
        if (put.ok) return true;
        reading = { entry: put.current, receivedMs: this.#options.runtime.time.monotonicMs() };
      }
    } catch (error) {
      this.#owner.storeLost(isQuorateError(error) ? error.code : error);
    }
    return false;
  }

  #lower(parts: number): void {
    if (parts >= this.#tenure.parts) return;
    this.#tenure.lowered(parts);
    this.#owner.sliceChanged(0);
  }

  async #read(): Promise<Reading> {
    const { kv, key, runtime } = this.#options;
    const entry = await kv.get(key, this.#call);
    return { entry, receivedMs: runtime.time.monotonicMs() };
  }

  #fleetOf({ entry }: Reading): FleetRecord {
    if (entry === undefined) return emptyFleet(this.#options.terms);
    const read = decodeFleet(entry.value);
    if (read.ok) return read.record;
    const details = { key: entry.key, reason: read.reason };
    const message = `the record at ${entry.key} is not one of ours: ${read.reason}`;
    throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
  }

  /** By the store's clock until the answer, by our own since; 0 where the store does not say. */
  #ageMs({ entry, receivedMs }: Reading): Ms {
    if (entry?.expiresInMs === undefined) return 0;
    const sinceMs = this.#options.runtime.time.monotonicMs() - receivedMs;
    return Math.max(0, RETENTION_MS - entry.expiresInMs) + sinceMs;
  }
}
