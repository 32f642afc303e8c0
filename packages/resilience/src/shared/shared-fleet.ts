/**
 * The shell of a shared breaker: one watch, one timer, and a write now and then.
 *
 * It hears the fleet through a watch, hands all that happens to the machine, and carries out what
 * comes of it. Calls read a field: none of them waits for the store, whatever state that is in.
 *
 * While all is well there is the open watch, and nothing else: no timer, no write. The watch costs
 * what the engine's watches cost when idle: a subscription and its heartbeat.
 */
import {
  type Backend,
  type Change,
  type Entry,
  type Grant,
  isQuorateError,
  leaseLeftMs,
  Lifecycle,
  type Ms,
  type Revision,
  type Runtime,
  sleep,
  type Timer,
} from "@quorate/core";

import type { Fleet, FleetVerdict, LocalEvidence } from "../fleet.ts";
import { FleetVoice } from "./events.ts";
import { decodeSummary, encodeSummary, type Summary } from "./evidence.ts";
import {
  type FleetEffect,
  type FleetInput,
  FleetMachine,
  type Outlook,
  type Stored,
} from "./fleet-machine.ts";
import type { Moment } from "./moment.ts";
import { instanceOf, type Place, placeOf, summaryKey } from "./place.ts";
import { decodeFleetRecord, encodeFleetRecord, RETENTION_MS } from "./record.ts";
import { type Settings, summaryTtlMs } from "./settings.ts";
import { verdictOf } from "./verdicts.ts";

/** Least time that the store is given to answer. */
const MIN_TIMEOUT_MS = 1_000;
/** How long `close` waits for what is under way. */
const GRACE_MS = 1_000;
const UPKEEP = { keepAlive: false } as const;

/** A lease that is held, or that may be. */
type Lease = Pick<Grant, "name" | "owner">;

/** Figures of one instance in its fleet. */
export interface FleetStats {
  /** Who this is, in records. */
  readonly instance: string;
  /** Of the newest record seen; 0: none. */
  readonly epoch: Revision;
  /** Whether the store can be heard. */
  readonly isConnected: boolean;
  /** Others that spoke lately. */
  readonly instances: number;
  /** Summaries of others that were not counted: more than `maxInstances`. */
  readonly unheard: number;
  /** Records and summaries that were none. */
  readonly unreadable: number;
  /** Writes that were sent to the store: records, summaries, claims, releases. */
  readonly writes: number;
}

/** One breaker's fleet, over a backend. */
export class SharedFleet implements Fleet {
  readonly #backend: Backend;
  readonly #runtime: Runtime;
  readonly #settings: Settings;
  /** As one of those that have a say: the same in the next life of a process. */
  readonly #instance: string;
  readonly #place: Place;
  readonly #local: LocalEvidence;
  readonly #machine: FleetMachine;
  readonly #lifecycle: Lifecycle;
  readonly #voice: FleetVoice;
  #verdict: FleetVerdict | undefined = undefined;
  /** What the verdict was made of. */
  #outlook: Outlook | undefined = undefined;
  #timer: { readonly atMs: Ms; readonly timer: Timer } | undefined = undefined;
  #lease: Lease | undefined = undefined;
  #told = "";
  #isPublishing = false;
  #unreadable = 0;
  #writes = 0;

  constructor(backend: Backend, settings: Settings, name: string, local: LocalEvidence) {
    const { runtime } = backend;
    this.#backend = backend;
    this.#runtime = runtime;
    this.#settings = settings;
    const id = runtime.ids.operation();
    const { instance = id } = settings;
    this.#instance = instance;
    // In records and events: unique to this life.
    const by = instance === id ? id : `${instance}:${id}`;
    this.#place = placeOf(name);
    this.#local = local;
    this.#machine = new FleetMachine(settings, by);
    this.#lifecycle = new Lifecycle(`the fleet of ${name}`, runtime);
    this.#voice = new FleetVoice(runtime, name, by);
    this.#listen().catch((error: unknown) => this.#voice.failed("watch", error));
  }

  get verdict(): FleetVerdict | undefined {
    return this.#verdict === undefined ? undefined : this.#current(this.#verdict);
  }

  /** Figures. */
  get stats(): FleetStats {
    const { epoch, isConnected, heard } = this.#machine;
    const { instances, unheard } = heard;
    const { instance } = this.#voice;
    const [unreadable, writes] = [this.#unreadable, this.#writes];
    return { instance, epoch, isConnected, instances, unheard, unreadable, writes };
  }

  stir(): void {
    if (this.#machine.isCalm) this.#step({ kind: "stirred" });
  }

  probed(epoch: number, hasPassed: boolean): void {
    this.#step({ kind: "probed", epoch, hasPassed });
  }

  close(): Promise<void> {
    if (!this.#lifecycle.isClosed) {
      this.#verdict = undefined;
      this.#timer?.timer.cancel();
      this.#timer = undefined;
    }
    return this.#lifecycle.close(GRACE_MS, () => this.#leave());
  }

  /** What must be noticed at a call, because no timer may have had its turn. */
  #current(verdict: FleetVerdict): FleetVerdict | undefined {
    const { time } = this.#runtime;
    if (verdict.kind === "open") {
      if (this.#machine.isProbeDue(time.monotonicMs())) this.#step({ kind: "asked" });
    } else if (verdict.kind === "probing") {
      const { outlook } = this.#machine;
      const isOver = outlook?.kind === "probing" && leaseLeftMs(time, outlook.window) <= 0;
      if (isOver) this.#step({ kind: "tick" });
    }
    return this.#verdict;
  }

  #step(input: FleetInput): void {
    if (this.#lifecycle.isClosed) return;
    const effects = this.#machine.step(input, this.#moment());
    this.#arm();
    for (const effect of effects) this.#perform(effect);
    this.#turn();
  }

  #moment(): Moment {
    const { time, random } = this.#runtime;
    const nowMs = time.monotonicMs();
    const own = { tally: this.#local.tally(nowMs), state: this.#local.localState };
    return { nowMs, wallMs: time.wallMs(), chance: random.next(), own };
  }

  #arm(): void {
    const { wakeMs } = this.#machine;
    if (this.#timer?.atMs === wakeMs) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (wakeMs === Infinity) return;
    const { time } = this.#runtime;
    const wake = (): void => {
      this.#timer = undefined;
      this.#step({ kind: "tick" });
    };
    const timer = time.setTimer(Math.max(0, wakeMs - time.monotonicMs()), wake, UPKEEP);
    this.#timer = { atMs: wakeMs, timer };
  }

  /** Tells the breaker and the world what has changed. */
  #turn(): void {
    const { outlook, epoch, state, record, isConnected } = this.#machine;
    const before = this.#verdict;
    const isSame = before?.kind === outlook?.kind && before?.epoch === outlook?.epoch;
    if (outlook !== this.#outlook) this.#verdict = verdictOf(outlook, this.#runtime.time);
    this.#outlook = outlook;
    const told = isConnected ? `${epoch}` : "unknown";
    if (told !== this.#told) {
      this.#told = told;
      const { by = "", why = "" } = (isConnected ? record : undefined) ?? {};
      this.#voice.turned({ epoch, state: isConnected ? state : "unknown", by, why });
    }
    if (!isSame) this.#local.verdictChanged();
  }

  async #listen(): Promise<void> {
    const { stopping: signal } = this.#lifecycle;
    for (;;) {
      try {
        await this.#hearAll(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#step({ kind: "stale" });
        this.#voice.failed("watch", error);
        // A closed backend does not open again.
        if (isQuorateError(error, "CLOSED")) return;
      }
      if (signal.aborted) return;
      this.#step({ kind: "stale" });
      try {
        await sleep(this.#runtime, this.#settings.publishMs, { signal, keepAlive: false });
      } catch {
        return;
      }
    }
  }

  async #hearAll(signal: AbortSignal): Promise<void> {
    let hasRecord = false;
    for await (const change of this.#backend.kv.watch(this.#place.prefix, { signal })) {
      if (isAbout(change, this.#place.record)) hasRecord = change.kind === "put";
      if (change.kind === "synced") this.#step({ kind: "synced", hasRecord });
      else if (change.kind === "stale") this.#step({ kind: "stale" });
      else if (change.kind === "put") this.#hear(change.entry);
      else this.#miss(change.key, change.revision);
    }
  }

  #hear(entry: Entry): void {
    if (entry.key === this.#place.record) {
      return this.#step({ kind: "record", stored: this.#read(entry) });
    }
    const instance = instanceOf(this.#place, entry.key);
    if (instance === undefined || instance === this.#instance) return;
    const summary = decodeSummary(entry.value);
    if (summary === undefined) this.#unreadable += 1;
    else this.#step({ kind: "summary", instance, summary });
  }

  #miss(key: string, revision: Revision): void {
    if (key === this.#place.record) return this.#step({ kind: "vanished", revision });
    const instance = instanceOf(this.#place, key);
    if (instance !== undefined) this.#step({ kind: "silence", instance });
  }

  #read({ value, revision }: Entry): Stored {
    const record = decodeFleetRecord(value);
    if (record === undefined) this.#unreadable += 1;
    return { revision, record };
  }

  #perform(effect: FleetEffect): void {
    const performing = this.#carryOut(effect);
    const failed = (error: unknown): void => this.#voice.failed(effect.kind, error);
    this.#lifecycle.track(performing).catch(failed);
  }

  async #carryOut(effect: FleetEffect): Promise<void> {
    if (effect.kind === "publish") return this.#publish(effect.summary);
    if (effect.kind === "write") return this.#step(await this.#write(effect));
    if (effect.kind === "claim") return this.#claim();
    return this.#release(this.#lease);
  }

  get #timeoutMs(): Ms {
    return Math.max(MIN_TIMEOUT_MS, this.#settings.publishMs);
  }

  /** A summary that gets lost is followed by another: nobody waits for this one. */
  async #publish(summary: Summary): Promise<void> {
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    this.#writes += 1;
    const { publishMs } = this.#settings;
    const ttlMs = summaryTtlMs(publishMs);
    const key = summaryKey(this.#place, this.#instance);
    try {
      const timeoutMs = this.#timeoutMs;
      await this.#backend.kv.put(key, encodeSummary(summary), { ttlMs, timeoutMs });
    } finally {
      this.#isPublishing = false;
    }
  }

  /** Writes a record over the one that is expected. Silence is no answer: the watch will tell. */
  async #write(effect: FleetEffect & { readonly kind: "write" }): Promise<FleetInput> {
    const { record, expect } = effect;
    this.#writes += 1;
    const retention = record.state.kind === "isolated" ? {} : { ttlMs: RETENTION_MS };
    const options = { expect, timeoutMs: this.#timeoutMs, ...retention };
    try {
      const value = encodeFleetRecord(record);
      const put = await this.#backend.kv.put(this.#place.record, value, options);
      if (put.ok) return { kind: "written", stored: this.#read(put.entry) };
      const { current } = put;
      return { kind: "conflict", stored: current === undefined ? undefined : this.#read(current) };
    } catch (error) {
      this.#voice.failed("write", error);
      return { kind: "unwritten" };
    }
  }

  async #claim(): Promise<void> {
    const { lease: name } = this.#place;
    const lease = { name, owner: this.#runtime.ids.unique() };
    this.#lease = lease;
    this.#writes += 1;
    const { probeLeaseMs: ttlMs, publishMs } = this.#settings;
    try {
      const request = { owner: lease.owner, ttlMs, data: this.#instance };
      const answer = await this.#backend.leases.acquire(name, {
        ...request,
        timeoutMs: this.#timeoutMs,
        signal: this.#lifecycle.stopping,
      });
      if (answer.granted) {
        this.#lease = answer;
        return this.#step({ kind: "granted", grant: answer });
      }
      if (this.#lease === lease) this.#lease = undefined;
      const forMs = Math.max(publishMs, answer.holders[0]?.expiresInMs ?? 0);
      this.#step({ kind: "refused", forMs });
    } catch (error) {
      this.#voice.failed("claim", error);
      // It may have been granted all the same, and would keep all others from finding out.
      await this.#release(lease);
      this.#step({ kind: "refused", forMs: publishMs });
    }
  }

  /** Gives the lease back; where that fails, it ends by itself. */
  async #release(lease: Lease | undefined): Promise<void> {
    if (lease === undefined) return;
    if (this.#lease === lease) this.#lease = undefined;
    this.#writes += 1;
    try {
      await this.#backend.leases.release(lease, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      this.#voice.failed("release", error);
    }
  }

  /** Nothing of this instance is left: neither its word, nor its lease, nor what that holds up. */
  async #leave(): Promise<void> {
    try {
      const abandoned = this.#machine.abandoned();
      if (abandoned?.kind === "write") await this.#write(abandoned);
      await this.#release(this.#lease);
      if (!this.#machine.hasSpoken(this.#runtime.time.monotonicMs())) return;
      const key = summaryKey(this.#place, this.#instance);
      this.#writes += 1;
      await this.#backend.kv.delete(key, { timeoutMs: this.#timeoutMs });
    } catch (error) {
      this.#voice.failed("leave", error);
    }
  }
}

function isAbout(change: Change, key: string): change is Change & { kind: "put" | "delete" } {
  if (change.kind === "put") return change.entry.key === key;
  return change.kind === "delete" && change.key === key;
}
