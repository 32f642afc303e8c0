/**
 * The shell round the machine: a transport, a timer, a store for the incarnation, and who watches.
 *
 * It decides nothing about members.
 */
import {
  compareNames,
  deferred,
  type Deferred,
  isQuorateError,
  Lifecycle,
  type Ms,
  QuorateError,
  raceAbort,
  type Runtime,
  type Timer,
} from "@quorate/core";
import type {
  Member,
  MemberChanged,
  MembershipEvent,
  MembershipWatchOptions,
} from "../membership.ts";
import { Watchers } from "../watchers.ts";
import type { SwimEffect } from "./ground.ts";
import { type SwimInput, SwimMachine } from "./machine.ts";
import { MAX_INCARNATION } from "./news.ts";
import { decodePacket, encodePacket, hashOf } from "./packet.ts";
import type { Swim, SwimStats } from "./swim.ts";
import {
  type SwimEvents,
  swimEvents,
  type SwimFailed,
  type SwimRefusal,
  type SwimSubject,
} from "./swim-events.ts";
import { type CheckedSwim, checkSwimData } from "./swim-options.ts";

/** Probe intervals after which one that heard nobody takes itself for the first. */
const SETTLING_INTERVALS = 3;
/** For so long a process stays alive for a wait of its own. */
const LONGEST_WAIT_MS = 86_400_000;

/** One process in one group. */
export class SwimMember implements Swim {
  readonly group: string;
  readonly #options: CheckedSwim;
  readonly #runtime: Runtime;
  readonly #lifecycle: Lifecycle;
  readonly #watchers: Watchers = new Watchers({ isSettled: false });
  readonly #events: SwimEvents;
  readonly #subject: SwimSubject;
  readonly #stats = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    packetsUnsent: 0,
    refused: {
      ...{ "too-long": 0, version: 0, malformed: 0, group: 0, seal: 0, stamp: 0 },
      ...{ incarnation: 0, room: 0 },
    },
  };
  readonly #departed: Deferred<void> = deferred<void>();
  /** Those who wait for another member. */
  readonly #waiting = new Set<Deferred<void>>();
  #machine: SwimMachine | undefined;
  #data: string;
  #starting: Promise<void> | undefined;
  #timer: Timer | undefined;
  #timerMs: Ms = Infinity;
  #settling: Timer | undefined;
  /** Where the younger namesake is. */
  #supersededBy: string | undefined;
  #saving = false;
  #unsaved: number | undefined;

  constructor(options: CheckedSwim) {
    this.group = options.group;
    this.#options = options;
    this.#data = options.data;
    this.#runtime = options.transport.runtime;
    this.#lifecycle = new Lifecycle(`the group ${options.group}`, this.#runtime);
    this.#events = swimEvents(this.#runtime.events);
    this.#subject = { group: options.group, self: options.id };
  }

  get self(): Member | undefined {
    if (this.#supersededBy !== undefined) return undefined;
    const self = this.#machine?.self;
    return self !== undefined && this.#lifecycle.isClosed ? { ...self, state: "left" } : self;
  }

  get members(): readonly Member[] {
    const { self } = this;
    const all = [...(this.#machine?.others() ?? []), ...(self === undefined ? [] : [self])];
    return all.sort((left, right) => compareNames(left.id, right.id));
  }

  get size(): number {
    return this.#machine?.size ?? 1;
  }

  get health(): number {
    return this.#machine?.health ?? 0;
  }

  get stats(): SwimStats {
    return { ...this.#stats, refused: { ...this.#stats.refused } };
  }

  member(id: string): Member | undefined {
    return id === this.#options.id ? this.self : this.#machine?.member(id);
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#lifecycle.assertOpen();
    this.#starting ??= this.#lifecycle.track(this.#begin());
    await raceAbort(this.#starting, options.signal);
  }

  async joined(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOurs();
    if (this.size > 1) return;
    const waiter = deferred<void>();
    this.#waiting.add(waiter);
    try {
      await this.#awake(raceAbort(waiter.promise, options.signal));
    } finally {
      this.#waiting.delete(waiter);
    }
  }

  watch(options: MembershipWatchOptions = {}): AsyncIterableIterator<MembershipEvent> {
    this.#assertOurs();
    return this.#watchers.open(this.members, options);
  }

  async update(data: string): Promise<void> {
    this.#assertOurs();
    checkSwimData(data);
    if (data === this.#data) return;
    this.#data = data;
    this.#feed({ kind: "update", data });
    const { self } = this;
    if (self !== undefined) this.#tell({ kind: "updated", member: self });
  }

  async leave(): Promise<void> {
    if (this.#supersededBy !== undefined) throw this.#conflict(this.#supersededBy);
    if (!this.#lifecycle.isClosed && this.#machine !== undefined) {
      this.#feed({ kind: "leave" });
      await this.#awake(this.#departed.promise);
    }
    await this.close();
  }

  close(): Promise<void> {
    return this.#lifecycle.close(0, async () => {
      this.#stop(this.#lifecycle.closedError());
      this.#departed.resolve();
      await this.#options.transport.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(): Promise<void> {
    const { transport, id, seeds, timing, maxMembers, maxAheadMs, store } = this.#options;
    try {
      const incarnation = await this.#nextIncarnation();
      await store?.save(incarnation);
      const address = await transport.open((packet) => this.#receive(packet));
      if (this.#lifecycle.isClosed) return void (await transport.close());
      const own = { id, group: hashOf(this.group), address, data: this.#data, incarnation };
      const settings = { ...own, seeds, timing, maxMembers, maxAheadMs };
      this.#machine = new SwimMachine(settings, () => this.#runtime.random.next());
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    this.#feed({ kind: "start" });
    const { self } = this;
    if (self !== undefined) this.#tell({ kind: "joined", member: self });
    this.#settling = this.#runtime.time.setTimer(
      SETTLING_INTERVALS * timing.probeIntervalMs,
      () => this.#watchers.synced(),
      { keepAlive: false },
    );
  }

  /** Greater than in any earlier life: by the clock, and by what was kept. */
  async #nextIncarnation(): Promise<number> {
    const kept = (await this.#options.store?.load()) ?? 0;
    const isSound = Number.isSafeInteger(kept) && kept >= 0 && kept < MAX_INCARNATION;
    if (!isSound) {
      const details = { key: "incarnation", reason: "not an incarnation" };
      const message = `the store of ${this.#options.id} holds no incarnation; delete what it holds`;
      throw new QuorateError("RECORD_INVALID", message, { effect: "none", details });
    }
    return Math.max(1, Math.floor(this.#runtime.time.wallMs()), kept + 1);
  }

  #receive(bytes: Uint8Array): void {
    const machine = this.#machine;
    if (machine === undefined || this.#lifecycle.isClosed) return;
    this.#stats.packetsReceived += 1;
    const { seal } = this.#options;
    const opened = seal === undefined ? bytes : seal.open(bytes, this.#runtime.time.wallMs());
    if (typeof opened === "string") return this.#refuse(opened);
    const read = decodePacket(opened, machine.sender.group);
    if (!read.ok) return this.#refuse(read.reason);
    const { packet } = read;
    this.#feed({ kind: "packet", packet });
    if (packet.message.kind === "state") this.#watchers.synced();
  }

  #feed(input: SwimInput): void {
    const machine = this.#machine;
    if (machine === undefined || this.#lifecycle.isClosed) return;
    const { time } = this.#runtime;
    const effects = machine.step(input, time.monotonicMs(), time.wallMs());
    for (const effect of effects) this.#perform(machine, effect);
    this.#arm(machine);
  }

  #perform(machine: SwimMachine, effect: SwimEffect): void {
    const { accused, paused } = this.#events;
    switch (effect.kind) {
      case "send":
        return this.#send(effect.to, encodePacket(machine.sender, effect.message, effect.news));
      case "changed":
        return this.#tell(effect.change);
      case "incarnation": {
        const { incarnation } = effect;
        this.#save(incarnation);
        if (!effect.accused || !accused.hasSubscribers) return;
        return accused.publish({ ...this.#subject, incarnation, health: machine.health });
      }
      case "refused":
        return this.#refuse(effect.why);
      case "paused":
        if (paused.hasSubscribers) paused.publish({ ...this.#subject, lateMs: effect.lateMs });
        return;
      case "conflict":
        return this.#stepAside(effect.address);
      case "departed":
        return this.#departed.resolve();
    }
  }

  #send(to: string, packet: Uint8Array): void {
    const { seal, transport } = this.#options;
    const bytes = seal === undefined ? packet : seal.close(packet, this.#runtime.time.wallMs());
    this.#stats.packetsSent += 1;
    this.#stats.bytesSent += bytes.length;
    transport.send(to, bytes).catch((error: unknown) => {
      this.#stats.packetsUnsent += 1;
      this.#failed("send", error);
    });
  }

  #arm(machine: SwimMachine): void {
    const { wakeMs } = machine;
    if (wakeMs >= this.#timerMs || this.#lifecycle.isClosed) return;
    this.#timer?.cancel();
    this.#timerMs = wakeMs;
    // Never at once: a machine that wanted the very moment would hold the process for ever.
    const delayMs = Math.max(1, Math.ceil(wakeMs - this.#runtime.time.monotonicMs()));
    this.#timer = this.#runtime.time.setTimer(delayMs, () => this.#wake(machine), {
      keepAlive: false,
    });
  }

  #wake(machine: SwimMachine): void {
    this.#timerMs = Infinity;
    // What it was set for may have been settled by a packet since.
    if (machine.wakeMs > this.#runtime.time.monotonicMs()) this.#arm(machine);
    else this.#feed({ kind: "due" });
  }

  #tell(change: MemberChanged): void {
    this.#watchers.tell(change);
    if (change.member.id !== this.#options.id) {
      for (const waiter of this.#waiting) waiter.resolve();
    }
    const { changed } = this.#events;
    if (!changed.hasSubscribers) return;
    const { id: member, incarnation, state } = change.member;
    changed.publish({ ...this.#subject, change: change.kind, member, incarnation, state });
  }

  #stepAside(address: string): void {
    this.#supersededBy = address;
    this.#stop(this.#conflict(address));
    // Else it would take packets from a meeting point and answer none.
    this.#options.transport.close().catch((error: unknown) => this.#failed("close", error));
    const { conflict } = this.#events;
    if (conflict.hasSubscribers) conflict.publish({ ...this.#subject, address });
  }

  #stop(reason: QuorateError): void {
    this.#timer?.cancel();
    this.#settling?.cancel();
    this.#watchers.end();
    for (const waiter of this.#waiting) waiter.reject(reason);
  }

  /** One save at a time, always of the last: an older one must not land after a newer. */
  #save(incarnation: number): void {
    const { store } = this.#options;
    if (store === undefined) return;
    this.#unsaved = incarnation;
    if (!this.#saving) void this.#saveAll(store);
  }

  async #saveAll(store: NonNullable<CheckedSwim["store"]>): Promise<void> {
    this.#saving = true;
    while (this.#unsaved !== undefined) {
      const incarnation = this.#unsaved;
      this.#unsaved = undefined;
      try {
        await store.save(incarnation);
      } catch (error) {
        this.#failed("save", error);
      }
    }
    this.#saving = false;
  }

  #refuse(why: SwimRefusal): void {
    this.#stats.refused[why] += 1;
    const { refused } = this.#events;
    if (refused.hasSubscribers) refused.publish({ ...this.#subject, why });
  }

  #failed(operation: SwimFailed["operation"], error: unknown): void {
    const { failed } = this.#events;
    const code = isQuorateError(error) ? error.code : "UNKNOWN";
    if (failed.hasSubscribers) failed.publish({ ...this.#subject, operation, code });
  }

  /** Upkeep lets a process end; what somebody waits for does not. */
  async #awake(promise: Promise<void>): Promise<void> {
    const timer = this.#runtime.time.setTimer(LONGEST_WAIT_MS, () => {});
    try {
      await promise;
    } finally {
      timer.cancel();
    }
  }

  #assertOurs(): void {
    this.#lifecycle.assertOpen();
    if (this.#supersededBy !== undefined) throw this.#conflict(this.#supersededBy);
  }

  #conflict(address: string): QuorateError<"MEMBER_CONFLICT"> {
    const { id: member } = this.#options;
    const message = `another process is the member ${member}, at ${address}; give each its own id`;
    return new QuorateError("MEMBER_CONFLICT", message, {
      effect: "none",
      details: { member, address },
    });
  }
}
