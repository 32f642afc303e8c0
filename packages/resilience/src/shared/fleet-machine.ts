/**
 * The machine of one instance in a fleet of breakers: what it is told, and what is to be done.
 *
 *     closed ──quorum──▶ open ──time, lease──▶ probing ──passed──▶ ramping ──time──▶ closed
 *                         ▲                      │                    │
 *                         └────────failed────────┴───────quorum───────┘
 *
 * Each arrow is one conditional write of one record; who loses adopts the winner's. Without a link
 * to the store it has no outlook, and the breaker decides alone; with it again, the newest record
 * counts. It asks for at most one write at a time, and for nothing at all while all is well.
 *
 * Sans-I/O: clocks, chance and evidence are handed in with each step; effects come out.
 */
import type { LeaseWindow, Ms, Revision } from "@quorate/core";

import type { Summary } from "./evidence.ts";
import { Jury } from "./jury.ts";
import { leaseLeft, type Moment } from "./moment.ts";
import { type ProbeGrant, Prober, type ProbeWish } from "./prober.ts";
import type { FleetRecord, FleetState } from "./record.ts";
import type { Settings } from "./settings.ts";
import { Standing } from "./standing.ts";

/** The record as the store holds it; no `record`: absent, or nobody can read it. */
export interface Stored {
  readonly revision: Revision;
  readonly record: FleetRecord | undefined;
}

/** What the machine is told. */
export type FleetInput =
  /** The watch: the record, its absence, summaries, and the state of the link. */
  | { readonly kind: "record"; readonly stored: Stored }
  | { readonly kind: "vanished"; readonly revision: Revision }
  | { readonly kind: "summary"; readonly instance: string; readonly summary: Summary }
  | { readonly kind: "silence"; readonly instance: string }
  | { readonly kind: "stale" }
  | { readonly kind: "synced"; readonly hasRecord: boolean }
  /** The breaker. */
  | { readonly kind: "stirred" }
  | { readonly kind: "asked" }
  | { readonly kind: "probed"; readonly epoch: Revision; readonly hasPassed: boolean }
  /** Answers to effects. */
  | { readonly kind: "written"; readonly stored: Stored }
  | { readonly kind: "conflict"; readonly stored: Stored | undefined }
  | { readonly kind: "unwritten" }
  | { readonly kind: "granted"; readonly grant: ProbeGrant }
  | { readonly kind: "refused"; readonly forMs: Ms }
  /** The time that was asked for. */
  | { readonly kind: "tick" };

/** What is to be done. */
export type FleetEffect =
  | { readonly kind: "publish"; readonly summary: Summary }
  | {
      readonly kind: "write";
      readonly record: FleetRecord;
      readonly expect: Revision | "absent";
    }
  | { readonly kind: "claim" }
  | { readonly kind: "release" };

/** What the breaker is to know; `undefined`: it decides alone. */
export type Outlook =
  | { readonly kind: "open"; readonly epoch: Revision; readonly untilMs: Ms }
  | { readonly kind: "probing"; readonly epoch: Revision; readonly window: LeaseWindow }
  | {
      readonly kind: "ramping";
      readonly epoch: Revision;
      readonly sinceMs: Ms;
      readonly rampMs: Ms;
    };

/** Doubling more often changes nothing: the bound was met long before. */
const MAX_DOUBLINGS = 30;
/** A step that comes later than this share of the period after it was due: the loop was blocked. */
const STALL = 1 / 4;

/** One instance's view of its fleet. */
export class FleetMachine {
  readonly #settings: Settings;
  readonly #by: string;
  readonly #standing = new Standing();
  readonly #jury: Jury;
  readonly #prober: Prober;
  #isConnected = false;
  /** The newest epoch when the link was lost. */
  #lostAt: Revision = 0;
  #isWriting = false;
  /** After a write that came to nothing: not before. */
  #writeAfterMs: Ms = -Infinity;
  #outlook: Outlook | undefined = undefined;
  #wakeMs: Ms = Infinity;

  /** `by`: the name of this instance in records. */
  constructor(settings: Settings, by: string) {
    this.#settings = settings;
    this.#by = by;
    this.#jury = new Jury(settings);
    this.#prober = new Prober(this.#standing, settings.publishMs);
  }

  /** What the breaker is to know. The same object until something changes. */
  get outlook(): Outlook | undefined {
    return this.#outlook;
  }

  /** When to step next, whatever happens; Infinity: only when something does. */
  get wakeMs(): Ms {
    return this.#wakeMs;
  }

  /** Of the newest record seen; 0: none. Never goes back. */
  get epoch(): Revision {
    return this.#standing.epoch;
  }

  /** What the fleet agreed on, as far as is known. */
  get state(): FleetState["kind"] {
    return this.#standing.state.kind;
  }

  /** The newest record seen; `undefined`: there is none, or nobody can read it. */
  get record(): FleetRecord | undefined {
    return this.#standing.record;
  }

  /** Whether the store can be heard. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Other instances that spoke lately, and summaries beyond the bound. */
  get heard(): { readonly instances: number; readonly unheard: number } {
    return this.#jury.heard;
  }

  /** Whether a fault is news; a cheap question, asked at each. */
  get isCalm(): boolean {
    return this.#isConnected && this.#jury.isCalm && this.#isJudging;
  }

  /** Whether a call at `nowMs` that is turned away is news. */
  isProbeDue(nowMs: Ms): boolean {
    return this.#isConnected && this.#prober.isDue(nowMs);
  }

  /** Whether a word of this instance may still be in the store. */
  hasSpoken(nowMs: Ms): boolean {
    return this.#jury.hasSpoken(nowMs);
  }

  /** Takes `input`, at `moment`. */
  step(input: FleetInput, moment: Moment): readonly FleetEffect[] {
    const effects: FleetEffect[] = [];
    if (moment.nowMs > this.#wakeMs + STALL * this.#settings.publishMs) this.#jury.stalled(moment);
    this.#take(input, moment, effects);
    if (this.#isConnected) this.#act(moment, effects);
    this.#look(moment);
    this.#wakeMs = this.#isConnected ? this.#nextWakeMs(moment) : Infinity;
    return effects;
  }

  /** Steps down while it probes: the record for the next one, who need not wait for the lease. */
  abandoned(): FleetEffect | undefined {
    const { state, expect, epoch, instances } = this.#standing;
    if (this.#prober.probing === undefined || state.kind !== "probing") return undefined;
    const { openings } = state;
    const record: FleetRecord = {
      state: { kind: "open", resetMs: 0, openings },
      from: epoch,
      instances,
      by: this.#by,
      why: "the instance that probed was closed",
    };
    return { kind: "write", record, expect };
  }

  get #isJudging(): boolean {
    const { kind } = this.#standing.state;
    return kind === "closed" || kind === "ramping";
  }

  #take(input: FleetInput, moment: Moment, effects: FleetEffect[]): void {
    switch (input.kind) {
      case "record":
        return this.#adopt(input.stored, moment, effects);
      case "vanished":
        if (this.#standing.vanished(input.revision, moment.nowMs)) this.#turned(effects);
        return;
      case "summary":
        return this.#jury.hear(input.instance, input.summary, moment);
      case "silence":
        return this.#jury.forget(input.instance);
      case "stale":
        this.#isConnected = false;
        this.#lostAt = this.#standing.epoch;
        this.#jury.clear();
        return this.#add(this.#prober.drop(), moment, effects);
      case "synced":
        return this.#synced(input.hasRecord, moment, effects);
      case "stirred":
        if (this.#isConnected && this.#isJudging) this.#jury.stirred(moment);
        return;
      case "asked":
        return this.#prober.asked(moment);
      case "probed":
        return this.#prober.probed(input.epoch, input.hasPassed);
      case "written":
        this.#isWriting = false;
        return this.#adopt(input.stored, moment, effects);
      case "conflict":
        this.#isWriting = false;
        return this.#lost(input.stored, moment, effects);
      case "unwritten":
        this.#isWriting = false;
        this.#writeAfterMs = moment.nowMs + this.#settings.publishMs;
        return;
      case "granted":
        return this.#add(this.#prober.granted(input.grant), moment, effects);
      case "refused":
        return this.#prober.refused(input.forMs, moment);
      case "tick":
    }
  }

  #synced(hasRecord: boolean, { nowMs }: Moment, effects: FleetEffect[]): void {
    this.#isConnected = true;
    const { epoch, expect } = this.#standing;
    // A record written since then is not missing: the watch has only not told it yet.
    if (hasRecord || expect === "absent" || epoch !== this.#lostAt) return;
    if (this.#standing.vanished(epoch + 1, nowMs)) this.#turned(effects);
  }

  #adopt({ revision, record }: Stored, moment: Moment, effects: FleetEffect[]): void {
    const { nowMs, chance } = moment;
    const at = { nowMs, chance, isMine: record?.by === this.#by };
    if (this.#standing.adopt(revision, record, at)) this.#turned(effects);
  }

  /** Another record was there. */
  #lost(stored: Stored | undefined, moment: Moment, effects: FleetEffect[]): void {
    const { epoch } = this.#standing;
    if (stored === undefined) {
      if (this.#standing.vanished(epoch + 1, moment.nowMs)) this.#turned(effects);
    } else if (stored.revision > epoch) this.#adopt(stored, moment, effects);
    else this.#standing.wentBack(stored.revision);
  }

  #turned(effects: FleetEffect[]): void {
    this.#writeAfterMs = -Infinity;
    this.#jury.turnTo(this.#standing.round);
    if (this.#prober.turned() !== undefined) effects.push({ kind: "release" });
  }

  #act(moment: Moment, effects: FleetEffect[]): void {
    const { state, dueMs } = this.#standing;
    if (state.kind === "isolated") {
      if (moment.nowMs < dueMs) return;
      const { rampMs } = this.#settings;
      const ramping = { kind: "ramping", rampMs, openings: 0 } as const;
      return this.#write(ramping, "the isolation has ended", moment, effects);
    }
    if (state.kind === "open" || state.kind === "probing") {
      return this.#add(this.#prober.wish(moment), moment, effects);
    }
    const { publish, opens } = this.#jury.rule(moment);
    if (publish !== undefined) effects.push({ kind: "publish", summary: publish });
    if (opens !== undefined) {
      const why = `${opens.seers} of ${opens.active} instances see it`;
      const openings = state.kind === "ramping" ? state.openings : 0;
      this.#write(this.#opening(openings), why, moment, effects, opens.active);
    } else if (state.kind === "ramping" && moment.nowMs >= dueMs) {
      this.#write({ kind: "closed" }, "the ramp is over", moment, effects);
    }
  }

  #add(wish: ProbeWish | undefined, moment: Moment, effects: FleetEffect[]): void {
    if (wish === undefined) return;
    if (wish.kind === "claim" || wish.kind === "release") return void effects.push(wish);
    const { state } = this.#standing;
    const openings = "openings" in state ? state.openings : 0;
    if (wish.kind === "start") {
      const { probeLeaseMs: leaseMs } = this.#settings;
      const probing = { kind: "probing", token: wish.token, leaseMs, openings } as const;
      return this.#write(probing, "the probe lease was granted", moment, effects);
    }
    if (!wish.hasPassed) {
      return this.#write(this.#opening(openings), "probes failed", moment, effects);
    }
    const { rampMs } = this.#settings;
    this.#write({ kind: "ramping", rampMs, openings }, "probes passed", moment, effects);
  }

  /** Open once more than `openings` times in a row. */
  #opening(openings: number): FleetState {
    const { resetMs, maxResetMs } = this.#settings;
    const grownMs = resetMs * 2 ** Math.min(openings, MAX_DOUBLINGS);
    return { kind: "open", resetMs: Math.min(maxResetMs, grownMs), openings: openings + 1 };
  }

  #write(
    state: FleetState,
    why: string,
    { nowMs }: Moment,
    effects: FleetEffect[],
    instances: number = this.#standing.instances,
  ): void {
    if (this.#isWriting || nowMs < this.#writeAfterMs) return;
    this.#isWriting = true;
    const { epoch: from, expect } = this.#standing;
    effects.push({ kind: "write", expect, record: { state, from, instances, by: this.#by, why } });
  }

  #look(moment: Moment): void {
    const next = this.#isConnected ? this.#outlookAt(moment) : undefined;
    if (!isSame(this.#outlook, next)) this.#outlook = next;
  }

  #outlookAt(moment: Moment): Outlook | undefined {
    const { state, epoch, sinceMs, dueMs } = this.#standing;
    if (state.kind === "closed") return undefined;
    if (state.kind === "ramping") {
      const { rampMs } = state;
      const isOver = moment.nowMs >= sinceMs + rampMs;
      return isOver ? undefined : { kind: "ramping", epoch, sinceMs, rampMs };
    }
    const { probing } = this.#prober;
    if (probing !== undefined && leaseLeft(probing.grant, moment) > 0) {
      return { kind: "probing", epoch, window: probing.grant };
    }
    return { kind: "open", epoch, untilMs: dueMs };
  }

  #nextWakeMs({ nowMs }: Moment): Ms {
    const { state, dueMs, sinceMs } = this.#standing;
    const mayWriteMs = this.#isWriting ? Infinity : this.#writeAfterMs;
    if (state.kind === "isolated") return this.#orLater(dueMs, nowMs, mayWriteMs);
    if (state.kind === "open" || state.kind === "probing") {
      // An answer that did not come is asked for again within the lease.
      const againMs = mayWriteMs > nowMs ? mayWriteMs : Infinity;
      return Math.min(this.#prober.wakeMs, againMs);
    }
    if (state.kind === "closed") return this.#orLater(this.#jury.wakeMs, nowMs, mayWriteMs);
    const rampEndMs = sinceMs + state.rampMs;
    const nextMs = nowMs < rampEndMs ? rampEndMs : dueMs;
    return this.#orLater(Math.min(this.#jury.wakeMs, nextMs), nowMs, mayWriteMs);
  }

  /** What is due, but has to wait until something may be written, is no reason to wake at once. */
  #orLater(wakeMs: Ms, nowMs: Ms, mayWriteMs: Ms): Ms {
    return wakeMs > nowMs ? wakeMs : Math.max(nowMs, mayWriteMs);
  }
}

function isSame(left: Outlook | undefined, right: Outlook | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (left.epoch !== right.epoch || left.kind !== right.kind) return false;
  return left.kind !== "open" || right.kind !== "open" || left.untilMs === right.untilMs;
}
