/**
 * The shell round both machines: a timer, the mail, the claim of an epoch, and who observes.
 *
 * It decides nothing about leaders. What it does decide is who speaks for an id: of two living
 * processes with one id the one born later goes on, and the other holds back for as long as it
 * hears of the first.
 */
import {
  type ErrorCode,
  Feed,
  isQuorateError,
  Lifecycle,
  type Ms,
  raceAbort,
  type Runtime,
  type Timer,
} from "@quorate/core";
import { createLocks } from "@quorate/lock";
import type { Envelope } from "./ballot.ts";
import { EpochClaim } from "./epoch-claim.ts";
import type { Epoch, HintElection, LeaderHint } from "./hint-election.ts";
import { type HintEvents, hintEvents, type HintSubject } from "./hint-events.ts";
import type { CheckedHintOptions, HintBackend } from "./hint-options.ts";
import type { Algorithm, Effect, Input } from "./machine.ts";
import { Mail } from "./mail.ts";
import type { Members } from "./members.ts";

const NOBODY: LeaderHint = { leader: undefined, isSelf: false, epoch: undefined };

/** One member, by either algorithm. */
export class HintMember<S> implements HintElection {
  readonly name: string;
  readonly self: string;
  readonly #algorithm: Algorithm<S>;
  readonly #options: CheckedHintOptions;
  readonly #runtime: Runtime;
  readonly #lifecycle: Lifecycle;
  readonly #events: HintEvents;
  readonly #subject: HintSubject;
  readonly #life: string;
  readonly #mail: Mail;
  readonly #claim: EpochClaim | undefined;
  readonly #observers = new Set<Feed<LeaderHint>>();
  #members: Members;
  #state: S;
  #told: LeaderHint = NOBODY;
  #timer: Timer | undefined;
  /** While it holds back, or is about to begin; no machine runs meanwhile. */
  #pause: Timer | undefined;
  #starting: Promise<void> | undefined;
  #membersReadMs: Ms;
  #answeredNamesakeMs = -Infinity;

  constructor(algorithm: Algorithm<S>, backend: HintBackend, options: CheckedHintOptions) {
    const { name, settings } = options;
    const { runtime, bus } = backend;
    this.name = name;
    this.self = settings.self;
    this.#algorithm = algorithm;
    this.#options = options;
    this.#runtime = runtime;
    this.#lifecycle = new Lifecycle(`the election ${name}`, runtime);
    this.#events = hintEvents(runtime.events);
    this.#subject = { algorithm: algorithm.name, election: name, self: settings.self };
    this.#life = runtime.ids.unique();
    this.#members = options.members();
    this.#membersReadMs = runtime.time.monotonicMs();
    this.#state = algorithm.first(this.#members);
    this.#claim = this.#makeClaim();
    this.#mail = new Mail({
      bus,
      time: runtime.time,
      subject: `elections/${algorithm.name}/${name}`,
      self: settings.self,
      life: this.#life,
      answerMs: settings.answerMs,
      onEnvelope: (envelope) => this.#receive(envelope),
      onUnreadable: (reason) => this.#ignored("unreadable", reason),
      onSent: (failure) => this.#sent(failure),
    });
  }

  get hint(): LeaderHint {
    const nowMs = this.#runtime.time.monotonicMs();
    const belief = this.#algorithm.belief(this.#options.settings, this.#state, nowMs);
    if (belief === undefined) return NOBODY;
    const { leader, epoch } = belief;
    if (leader !== this.self) return { leader, isSelf: false, epoch };
    if (this.#claim === undefined) return { leader, isSelf: true, epoch: undefined };
    const held = this.#claim.held;
    return held === undefined ? NOBODY : { leader, isSelf: true, epoch: held.fencingToken };
  }

  get leader(): string | undefined {
    return this.hint.leader;
  }

  get epoch(): Epoch | undefined {
    return this.#claim?.held;
  }

  async start(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#lifecycle.assertOpen();
    this.#starting ??= this.#lifecycle.track(this.#join());
    await raceAbort(this.#starting, options.signal);
  }

  observe(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<LeaderHint> {
    const feed: Feed<LeaderHint> = new Feed({
      signal: options.signal,
      onEnd: () => void this.#observers.delete(feed),
    });
    if (this.#lifecycle.isClosed) {
      feed.end();
      return feed;
    }
    feed.push("hint", this.hint);
    if (options.signal?.aborted !== true) this.#observers.add(feed);
    return feed;
  }

  close(): Promise<void> {
    if (!this.#lifecycle.isClosed) {
      this.#pause?.cancel();
      // Waited for below, within the grace of closing: it may be that the bus takes nothing.
      void this.#lifecycle.track(this.#feed({ kind: "stop", resigns: true }));
    }
    return this.#lifecycle.close(this.#options.settings.answerMs, async () => {
      this.#timer?.cancel();
      for (const feed of [...this.#observers]) feed.end();
      await Promise.all([this.#mail.close(), this.#claim?.close()]);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #join(): Promise<void> {
    try {
      await this.#mail.open(this.#lifecycle.stopping);
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
    if (this.#lifecycle.isClosed) return void (await this.#mail.close());
    this.#lookForNamesakes(0);
  }

  /** Asks whether another has this id, and begins `graceMs` later unless one answers. */
  #lookForNamesakes(graceMs: Ms): void {
    void this.#mail.send(this.self, { kind: "here" });
    if (graceMs === 0) return void this.#feed({ kind: "start" });
    this.#pauseFor(graceMs, () => void this.#feed({ kind: "start" }));
  }

  #pauseFor(delayMs: Ms, then: () => void): void {
    this.#pause?.cancel();
    const { time } = this.#runtime;
    this.#pause = time.setTimer(
      delayMs,
      () => {
        this.#pause = undefined;
        then();
      },
      { keepAlive: false },
    );
  }

  #receive({ from, life, ballot }: Envelope): void {
    if (this.#lifecycle.isClosed || (from === this.self && life === this.#life)) return;
    if (from === this.self) return this.#meetNamesake(life);
    this.#readMembers();
    if (!this.#members.has(from)) return this.#ignored("stranger", "it is not on the list");
    void this.#feed({ kind: "heard", from, ballot });
  }

  /** Lives sort by birth, as the clocks of their machines had it: of two, one goes on. */
  #meetNamesake(life: string): void {
    const { suspectAfterMs, heartbeatMs, answerMs } = this.#options.settings;
    const nowMs = this.#runtime.time.monotonicMs();
    const abstains = life > this.#life;
    if (abstains) {
      void this.#feed({ kind: "stop", resigns: false });
      this.#pauseFor(suspectAfterMs, () => this.#lookForNamesakes(answerMs));
    } else {
      if (nowMs - this.#answeredNamesakeMs < heartbeatMs) return;
      this.#answeredNamesakeMs = nowMs;
      void this.#mail.send(this.self, { kind: "here" });
    }
    const { namesake } = this.#events;
    if (namesake.hasSubscribers) namesake.publish({ ...this.#subject, abstains });
  }

  /** Lets the machine step. Resolves, never rejects, when the bus has taken what followed. */
  async #feed(input: Input): Promise<void> {
    const { settings } = this.#options;
    const nowMs = this.#runtime.time.monotonicMs();
    const { state, effects } = this.#algorithm.step(settings, this.#state, input, nowMs);
    this.#state = state;
    this.#claim?.elected(this.#algorithm.isElected(state));
    this.#arm(nowMs);
    this.#tell();
    await Promise.all(effects.map((effect) => this.#perform(effect)));
  }

  #perform(effect: Effect): Promise<void> {
    return this.#mail.send(effect.kind === "send" ? effect.to : undefined, effect.ballot);
  }

  #arm(nowMs: Ms): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const wakeMs = this.#algorithm.wakeMs(this.#options.settings, this.#state);
    if (wakeMs === Infinity || this.#lifecycle.isClosed) return;
    // Never at once: a machine that wanted the very moment would hold the process for ever.
    const delayMs = Math.max(1, Math.ceil(wakeMs - nowMs));
    const wake = (): void => this.#tick();
    this.#timer = this.#runtime.time.setTimer(delayMs, wake, { keepAlive: false });
  }

  #tick(): void {
    this.#readMembers();
    if (this.#mail.isStuck) void this.#feed({ kind: "unsent" });
    void this.#feed({ kind: "tick" });
  }

  #sent(failure: ErrorCode | "UNKNOWN" | undefined): void {
    if (this.#lifecycle.isClosed) return;
    if (failure !== undefined) this.#failed("publish", failure);
    void this.#feed({ kind: failure === undefined ? "sent" : "unsent" });
  }

  #readMembers(): void {
    const { changes, members, settings } = this.#options;
    const nowMs = this.#runtime.time.monotonicMs();
    if (!changes || nowMs - this.#membersReadMs < settings.heartbeatMs) return;
    this.#membersReadMs = nowMs;
    try {
      const read = members();
      if (read.equals(this.#members)) return;
      this.#members = read;
      void this.#feed({ kind: "members", members: read });
    } catch (error) {
      this.#ignored("members", isQuorateError(error) ? error.message : "the provider threw");
    }
  }

  #makeClaim(): EpochClaim | undefined {
    const { name, epochs, epochTtlMs, settings } = this.#options;
    if (epochs === undefined) return undefined;
    return new EpochClaim({
      locks: createLocks(epochs),
      key: `elections/${name}/epoch`,
      self: settings.self,
      ttlMs: epochTtlMs,
      restMs: settings.answerMs,
      runtime: this.#runtime,
      onChange: (epoch) => void this.#feed({ kind: "epoch", epoch }),
      onFailure: (code) => this.#failed("claim", code),
    });
  }

  /** Tells of a hint that is another one than the last that was told. */
  #tell(): void {
    const { leader, isSelf, epoch } = this.hint;
    if (leader === this.#told.leader && epoch === this.#told.epoch) return;
    this.#told = { leader, isSelf, epoch };
    for (const feed of this.#observers) feed.push("hint", this.#told);
    const { changed } = this.#events;
    if (changed.hasSubscribers) changed.publish({ ...this.#subject, leader, epoch });
  }

  #ignored(why: "unreadable" | "stranger" | "members", reason: string): void {
    const { ignored } = this.#events;
    if (ignored.hasSubscribers) ignored.publish({ ...this.#subject, why, reason });
  }

  #failed(operation: "publish" | "claim", code: ErrorCode | "UNKNOWN"): void {
    const { failed } = this.#events;
    if (failed.hasSubscribers) failed.publish({ ...this.#subject, operation, code });
  }
}
