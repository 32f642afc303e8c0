/**
 * The shell round a group: a timer, the mail, and who watches. It decides nothing about others.
 *
 * Heartbeats keep a schedule counted from the start, so that a late timer delays one of them and
 * not all that follow; those that a standstill has skipped are not made up for.
 */
import {
  Lifecycle,
  type Ms,
  QuorateError,
  raceAbort,
  type Runtime,
  type Timer,
  compareNames,
} from "@quorate/core";
import type { FailureDetector } from "../detectors/detector.ts";
import type { Member, MembershipEvent, MembershipWatchOptions } from "../membership.ts";
import { Watchers } from "../watchers.ts";
import type { DropReason } from "./events.ts";
import { type GroupEffect, HeartbeatGroup, type Moment } from "./group.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { Link } from "./link.ts";
import { type Answer, Mail, type Respond } from "./mail.ts";
import { isPlausible, Namesakes, type NamesakeVerdict } from "./namesakes.ts";
import { checkData, type HeartbeatBackend, type HeartbeatSettings, subjectOf } from "./options.ts";
import { Reports } from "./reports.ts";
import type { BeatMessage, HeartbeatMessage } from "./wire.ts";

/** Questions of others that are asked on at a time; further ones are answered with silence. */
const MAX_RELAYING = 16;
/** Intervals until a newcomer has heard all who live. */
const SETTLING_INTERVALS = 1.5;

/** One process in one group. */
export class HeartbeatMember implements Heartbeats {
  readonly group: string;
  readonly intervalMs: Ms;
  readonly #settings: HeartbeatSettings;
  readonly #runtime: Runtime;
  readonly #lifecycle: Lifecycle;
  readonly #detector: FailureDetector;
  readonly #roster: HeartbeatGroup;
  readonly #mail: Mail;
  readonly #link: Link;
  readonly #watchers = new Watchers({ isSettled: false });
  readonly #reports: Reports;
  /** `undefined`: an onlooker, or not started. */
  #name: Namesakes | undefined;
  #data: string;
  #revision = 0;
  #startedMs: Ms = 0;
  #beatDueMs: Ms = Infinity;
  #settlesMs: Ms = Infinity;
  /** The wall clock's reading less the monotonic one's: it leaps when the machine has slept. */
  #wallAheadMs: Ms = Infinity;
  #starting: Promise<void> | undefined;
  #timer: Timer | undefined;
  #relaying = 0;

  constructor(backend: HeartbeatBackend, settings: HeartbeatSettings) {
    const { runtime, bus } = backend;
    const { group, id, intervalMs, maxMembers } = settings;
    this.group = group;
    this.intervalMs = intervalMs;
    this.#settings = settings;
    this.#data = settings.data;
    this.#runtime = runtime;
    this.#lifecycle = new Lifecycle(`the group ${group}`, runtime);
    this.#detector = settings.detector({ runtime, intervalMs, maxPeers: maxMembers + 1 });
    this.#roster = new HeartbeatGroup(settings, this.#detector, runtime.random);
    this.#link = new Link(this.#detector, id, runtime.time.monotonicMs());
    this.#reports = new Reports(runtime, { by: "heartbeats", group, self: id ?? "" });
    this.#mail = new Mail({
      bus,
      subject: subjectOf(group),
      signal: this.#lifecycle.stopping,
      onUnreadable: (reason) => this.#reports.drop("unreadable", reason),
    });
  }

  get dropped(): Readonly<Record<DropReason, number>> {
    return this.#reports.dropped;
  }

  get self(): Member | undefined {
    if (this.#name === undefined || this.#name.isSuperseded) return undefined;
    const { id, incarnation } = this.#name.identity;
    const state = this.#lifecycle.isClosed ? "left" : "alive";
    return { id, incarnation, state, sinceMs: this.#startedMs, address: "", data: this.#data };
  }

  get members(): readonly Member[] {
    const { self } = this;
    if (self === undefined) return this.#roster.members;
    const all = [...this.#roster.members, self];
    return all.sort((left, right) => compareNames(left.id, right.id));
  }

  member(id: string): Member | undefined {
    const { self } = this;
    return self?.id === id ? self : this.#roster.member(id);
  }

  suspicion(id: string): number {
    return this.#detector.suspicion(id);
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#lifecycle.assertOpen();
    this.#starting ??= this.#lifecycle.track(this.#join());
    await raceAbort(this.#starting, options.signal);
  }

  watch(options: MembershipWatchOptions = {}): AsyncIterableIterator<MembershipEvent> {
    this.#lifecycle.assertOpen();
    return this.#watchers.open(this.members, options);
  }

  async update(data: string): Promise<void> {
    this.#lifecycle.assertOpen();
    checkData(data);
    if (this.#name?.isSuperseded === true) throw this.#conflict("another life");
    if (data === this.#data) return;
    this.#data = data;
    this.#revision += 1;
    const { self } = this;
    if (self === undefined) return;
    this.#watchers.tell({ kind: "updated", member: self });
    await this.#beat(this.#nowMs());
  }

  async leave(): Promise<void> {
    if (!this.#lifecycle.isClosed && this.self !== undefined && this.#name !== undefined) {
      this.#beatDueMs = Infinity;
      const bye = { kind: "bye", ...this.#name.identity } as const;
      // Waited for within the grace of closing: it may be that the bus takes nothing.
      const saying = this.#mail.tellAll(bye);
      void this.#lifecycle.track(
        saying.then((failure) => this.#reports.failed("goodbye", failure)),
      );
    }
    await this.close();
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    return this.#lifecycle.close(this.#settings.confirmation.probeTimeoutMs, async () => {
      this.#timer?.cancel();
      this.#watchers.end();
      await this.#mail.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  async #join(): Promise<void> {
    const { id, confirmation } = this.#settings;
    const { stopping } = this.#lifecycle;
    let isAlone = false;
    try {
      await this.#mail.hearAll((message) => this.#hear(message));
      if (id !== undefined) {
        const answer = await this.#mail.ask(id, id, confirmation.probeTimeoutMs);
        if (answer.kind === "here") throw this.#conflict(answer.identity.life);
        isAlone = answer.kind === "silent";
        await this.#mail.hearOwn(id, (message, respond) => this.#hearOwn(message, respond));
      }
      stopping.throwIfAborted();
    } catch (error) {
      this.#starting = undefined;
      await this.#mail.close();
      throw error;
    }
    this.#begin(id, isAlone);
  }

  #begin(id: string | undefined, isAlone: boolean): void {
    const { time, ids } = this.#runtime;
    this.#startedMs = time.monotonicMs();
    this.#settlesMs = this.#startedMs + SETTLING_INTERVALS * this.intervalMs;
    if (id !== undefined) {
      const incarnation = Math.max(1, Math.floor(time.wallMs()));
      const identity = { id, incarnation, life: ids.unique() };
      const aloneUntilMs = isAlone ? this.#startedMs + 3 * this.intervalMs : -Infinity;
      this.#name = new Namesakes(identity, this.intervalMs, aloneUntilMs);
      this.#beatDueMs = this.#startedMs;
      this.#link.begin();
      if (this.self !== undefined) this.#watchers.tell({ kind: "joined", member: this.self });
    }
    this.#tick();
  }

  #tick(): void {
    const { nowMs, wallMs } = this.#moment();
    const sleptMs = wallMs - nowMs - this.#wallAheadMs;
    this.#wallAheadMs = wallMs - nowMs;
    if (sleptMs >= this.intervalMs / 2) this.#roster.woke(nowMs);
    this.#turn(this.#name?.tick(nowMs) ?? "noted", undefined);
    if (nowMs >= this.#beatDueMs) void this.#beat(nowMs);
    const { isBlind } = this.#link;
    this.#perform(this.#roster.tick(this.#link, nowMs));
    if (nowMs >= this.#settlesMs) {
      if (isBlind) this.#watchers.stale(this.#link.goodMs);
      else this.#watchers.synced();
    }
    this.#arm(nowMs);
  }

  /** Looks twice an interval, and when a heartbeat or a confirmation is due. */
  #arm(nowMs: Ms): void {
    this.#timer?.cancel();
    if (this.#lifecycle.isClosed) return;
    const lookMs = nowMs + this.intervalMs / 2;
    const dueMs = Math.min(lookMs, this.#beatDueMs, this.#roster.wakeMs);
    // Never at once: a machine that wanted the very moment would hold the process for ever.
    const delayMs = Math.max(1, Math.ceil(dueMs - nowMs));
    const wake = (): void => this.#tick();
    this.#timer = this.#runtime.time.setTimer(delayMs, wake, { keepAlive: false });
  }

  /** Never rejects. */
  async #beat(nowMs: Ms): Promise<void> {
    if (this.self === undefined || this.#name === undefined) return;
    const seq = Math.floor((nowMs - this.#startedMs) / this.intervalMs);
    this.#beatDueMs = this.#startedMs + (seq + 1) * this.intervalMs;
    const { identity } = this.#name;
    const beat = { kind: "beat", ...identity, seq, revision: this.#revision, data: this.#data };
    const failure = await this.#mail.tellAll(beat as BeatMessage);
    if (this.#lifecycle.isClosed) return;
    this.#link.sent(failure === undefined);
    this.#reports.failed("beat", failure);
  }

  #hear(message: HeartbeatMessage): void {
    if (this.#lifecycle.isClosed) return;
    if (message.kind !== "beat" && message.kind !== "bye") {
      return this.#reports.drop("unreadable", "not for all");
    }
    const moment = this.#moment();
    const name = this.#name;
    if (message.id === this.#settings.id && name?.isSuperseded === false) {
      return message.kind === "beat" ? this.#hearName(name, message, moment) : undefined;
    }
    this.#perform(
      message.kind === "beat"
        ? this.#roster.hear(message, moment)
        : this.#roster.goodbye(message, moment),
    );
    this.#arm(moment.nowMs);
  }

  #hearName(name: Namesakes, beat: BeatMessage, { nowMs, wallMs }: Moment): void {
    if (beat.life === name.identity.life) return this.#link.echoed(beat.seq, nowMs);
    if (!isPlausible(beat.incarnation, wallMs))
      return this.#reports.drop("implausible", "its incarnation");
    this.#turn(name.heard(beat, nowMs), beat);
    if (name.isSuperseded) this.#perform(this.#roster.hear(beat, { nowMs, wallMs }));
  }

  /** What became of this process's name. */
  #turn(verdict: NamesakeVerdict, other: BeatMessage | undefined): void {
    if (verdict === "raised") void this.#beat(this.#nowMs());
    if (verdict === "superseded") {
      this.#beatDueMs = Infinity;
      this.#link.retire();
      void this.#mail.closeOwn();
    }
    const isConflict = verdict === "older" || verdict === "superseded";
    if (!isConflict || other === undefined) return;
    this.#reports.conflict(other.life, {
      outcome: verdict === "older" ? "goes-on" : "stands-aside",
      incarnation: this.#name?.identity.incarnation ?? 0,
      theirs: other.incarnation,
    });
  }

  #hearOwn(message: HeartbeatMessage, respond: Respond): void {
    const name = this.#name;
    if (name === undefined || name.isSuperseded || this.#lifecycle.isClosed) return;
    switch (message.kind) {
      case "ping":
        return this.#answer(respond, { kind: "here", ...name.identity });
      case "ask":
        return void this.#lifecycle.track(this.#relay(message.target, respond));
      case "known": {
        const isOurs = message.id === name.identity.id && message.life !== name.identity.life;
        const { nowMs, wallMs } = this.#moment();
        return this.#turn(isOurs ? name.known(message, nowMs, wallMs) : "noted", undefined);
      }
      case "beat":
      case "bye":
      case "here":
      case "silent":
        this.#reports.drop("unreadable", "not for one");
    }
  }

  async #relay(target: string, respond: Respond): Promise<void> {
    if (this.#relaying >= MAX_RELAYING) return this.#answer(respond, { kind: "silent" });
    this.#relaying += 1;
    const { probeTimeoutMs } = this.#settings.confirmation;
    const answer = await this.#mail.ask(target, target, probeTimeoutMs);
    this.#relaying -= 1;
    const isHere = answer.kind === "here";
    this.#answer(respond, isHere ? { kind: "here", ...answer.identity } : { kind: "silent" });
  }

  #answer(respond: Respond, answer: HeartbeatMessage): void {
    void respond(answer).then((failure) => this.#reports.failed("answer", failure));
  }

  #perform(effects: readonly GroupEffect[]): void {
    const { probeTimeoutMs, relayTimeoutMs } = this.#settings.confirmation;
    for (const effect of effects) {
      switch (effect.kind) {
        case "tell":
          this.#watchers.tell(effect.change);
          this.#reports.changed(effect.change);
          break;
        case "drop":
          this.#reports.drop(effect.why, effect.reason);
          break;
        case "correct":
          void this.#mail.tell(effect.known.id, { kind: "known", ...effect.known });
          break;
        case "ask":
          void this.#ask(effect.id, this.#mail.ask(effect.id, effect.id, probeTimeoutMs), effect);
          break;
        case "ask-through": {
          const asking = this.#mail.ask(effect.through, effect.id, relayTimeoutMs);
          void this.#ask(effect.through, asking, effect);
        }
      }
    }
  }

  /** Never rejects. */
  async #ask(
    asked: string,
    asking: Promise<Answer>,
    { id, probe }: { readonly id: string; readonly probe: number },
  ): Promise<void> {
    const answer = await asking;
    if (this.#lifecycle.isClosed) return;
    const nowMs = this.#nowMs();
    if (answer.kind === "here") this.#perform(this.#roster.answered(answer.identity, probe, nowMs));
    if (answer.kind === "silent" && asked === id) {
      this.#perform(this.#roster.unanswered(id, probe, nowMs));
    }
    if (answer.kind === "unsent") {
      this.#reports.failed("ask", answer.code);
      this.#perform(this.#roster.unsent(id, nowMs));
    }
    this.#arm(nowMs);
  }

  #conflict(address: string): QuorateError<"MEMBER_CONFLICT"> {
    const member = this.#settings.id ?? "";
    const message =
      `another living process is the member ${member} of ${this.group}; ` +
      "give each a name of its own";
    const details = { member, address };
    return new QuorateError("MEMBER_CONFLICT", message, { effect: "none", details });
  }

  #nowMs(): Ms {
    return this.#runtime.time.monotonicMs();
  }

  #moment(): Moment {
    const { time } = this.#runtime;
    return { nowMs: time.monotonicMs(), wallMs: time.wallMs() };
  }
}
