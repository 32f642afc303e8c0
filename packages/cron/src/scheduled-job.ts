/**
 * A job that its schedule drives: looks when a tick is due, runs what it has claimed.
 *
 * A look is one read; only who finds a tick unclaimed writes. Processes look at slightly different
 * times, by chance, so that mostly the first finds it and the others find it taken.
 *
 * Timers count monotonic time, and a machine's sleep is not part of that. So no timer is set for
 * longer than half a minute, and each time the wall clock is read anew: after a sleep the ticks
 * that went by are found within that time.
 */
import { type Ms, type QuorateError, type Timer, workBegins } from "@quorate/core";
import { JobBase, type JobShape } from "./job-base.ts";
import { isClaimable, look, type Step } from "./machine.ts";
import type { Claimed, JobRecord } from "./record.ts";
import { type JobHandler, Run, type RunContext } from "./run.ts";
import type { Shared } from "./shared.ts";

/** No timer is longer. */
const RECHECK_MS = 30_000;
/** By how much looks of different processes are spread, at most, and as a share of the period. */
const SPREAD_MS = 50;
const SPREAD_SHARE = 0.05;
/** After a look that failed; and the longest, when it goes on failing. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Timers are fired late, never early; a wall clock that is being slewed may lag behind them. */
const AGAIN_MS = 1;

/** A job of this process that runs by its schedule. */
export class ScheduledJob extends JobBase {
  readonly #handler: JobHandler;
  /** Runs of this process, until they are written down as ended. */
  readonly #active = new Map<Run, Promise<void>>();
  #timer: Timer | undefined;
  #failures = 0;
  #isStopped = false;
  /** A look is asked for, although by what was seen last nothing is due. */
  #isNudged = false;
  #record: JobRecord | undefined;
  /** The last look that came through: when, and up to which tick it dealt with everything. */
  #lookedAtMs = 0;
  #lookedToMs = 0;

  constructor(shared: Shared, job: JobShape & { readonly handler: JobHandler }) {
    super(shared, job);
    this.#handler = job.handler;
  }

  /** Looks at once, and from then on when something may be due. */
  start(): void {
    this.#arm(0);
  }

  /** No more looks. What runs goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Somebody says that a run waits. However often it is said: one look, soon. */
  nudged(): void {
    if (this.#isNudged || this.#isStopped) return;
    this.#isNudged = true;
    // A look that failed comes again by itself, when the store may have recovered.
    if (this.#failures === 0) this.#arm(SPREAD_MS * this.shared.runtime.random.next());
  }

  /** Tells what runs to stop, and waits until all of it is written down. */
  async abandon(reason: QuorateError): Promise<void> {
    for (const run of this.#active.keys()) run.close(reason);
    await this.idle();
  }

  /** Resolves when the runs of this process have been written down. */
  async idle(): Promise<void> {
    await Promise.all(this.#active.values());
  }

  /** Changes the record by hand, and runs what was claimed by it. */
  async byHand<T extends Step | "full">(
    decide: (record: JobRecord, job: JobBase) => T,
  ): Promise<T | undefined> {
    return this.exclusively(async () => {
      let answer: T | undefined;
      const changed = await this.change((record) => {
        answer = decide(record, this);
        return answer === "full" ? { record: undefined, declared: [] } : answer;
      });
      this.#adopt(changed.now.record);
      this.#arm(this.#pauseMs());
      return answer;
    });
  }

  #arm(delayMs: Ms): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    // It keeps the process alive, as any timer does that somebody waits for, until `close`.
    this.#timer = this.shared.runtime.time.setTimer(delayMs, () => {
      void this.shared.lifecycle.track(this.#turn());
    });
  }

  async #turn(): Promise<void> {
    this.#timer = undefined;
    try {
      if (this.#isDue()) await this.exclusively(() => this.#look());
      this.#failures = 0;
      this.#arm(this.#pauseMs());
    } catch (error) {
      this.#failures += 1;
      this.#isNudged = true; // What it would have found is still there.
      const mostMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (this.#failures - 1));
      const retryInMs = mostMs * (0.5 + this.shared.runtime.random.next() / 2);
      this.reportFailure("look", error, retryInMs);
      this.#arm(retryInMs);
    }
  }

  /** Whether there may be something to do: a tick, an owner to be asked for, or it is time. */
  #isDue(): boolean {
    const untilCheckMs = this.#lookedAtMs + RECHECK_MS - this.shared.runtime.time.monotonicMs();
    return this.#record === undefined || untilCheckMs <= 0 || this.#untilDueMs() <= 0;
  }

  #untilDueMs(): Ms {
    const { time } = this.shared.runtime;
    const record = this.#record;
    if (record === undefined || this.#isNudged || isClaimable(record)) return 0;
    const untilTickMs = (this.#nextTickMs() ?? Infinity) - time.wallMs();
    const askAtMs = this.shared.owners.nextMs(this.others(record));
    return Math.min(untilTickMs, askAtMs - time.monotonicMs());
  }

  /** The first tick that no look has dealt with: paused or not, it is not looked at twice. */
  #nextTickMs(): Ms | undefined {
    return this.schedule.next(Math.max(this.seenMs, this.#lookedToMs));
  }

  #pauseMs(): Ms {
    const nextMs = this.#nextTickMs();
    const afterMs = nextMs === undefined ? undefined : this.schedule.next(nextMs);
    const gapMs = nextMs === undefined || afterMs === undefined ? Infinity : afterMs - nextMs;
    const spreadMs = Math.min(SPREAD_MS, SPREAD_SHARE * gapMs);
    const soonMs = Math.max(AGAIN_MS, this.#untilDueMs());
    return Math.min(soonMs + spreadMs * this.shared.runtime.random.next(), RECHECK_MS);
  }

  async #look(): Promise<void> {
    const { desk, owners } = this.shared;
    const { time } = this.shared.runtime;
    const [atMs, toMs] = [time.monotonicMs(), Math.floor(time.wallMs())];
    this.#isNudged = false;
    const known = await desk.read(this.name);
    if (known !== undefined) this.#see(known.record);
    const dead = await owners.deadAmong(known === undefined ? [] : this.others(known.record));
    // As if by somebody: most looks find nothing to do, and need no lease.
    const nobody = { owner: "nobody", by: "nobody" };
    const isIdle =
      known !== undefined && look(known.record, this.input(nobody, dead)).record === undefined;
    if (isIdle) this.#adopt(known.record);
    else {
      const claimer = this.#isStopped ? undefined : await this.claimer();
      const decide = (record: JobRecord): Step => look(record, this.input(claimer, dead));
      const { now } = await this.change(decide, { known });
      this.#adopt(now.record);
    }
    this.#lookedAtMs = atMs;
    this.#lookedToMs = toMs;
  }

  #see(record: JobRecord): void {
    this.#record = record;
    this.remember(record);
  }

  /** Runs what the record says is ours: also a claim whose answer was lost. */
  #adopt(record: JobRecord): void {
    this.#see(record);
    const { worker, ledger, lifecycle } = this.shared;
    const { tenure } = worker;
    if (tenure === undefined || lifecycle.signal.aborted) return;
    for (const claimed of record.running) {
      if (claimed.owner !== tenure.owner || ledger.has(claimed)) continue;
      this.#start(new Run(this.name, claimed, { ...this.shared, lock: tenure.lock }));
    }
  }

  #start(run: Run): void {
    const { ledger, lifecycle } = this.shared;
    ledger.begin(run.claimed);
    this.#tellClaimed(run.claimed);
    const performing = lifecycle.track(this.#perform(run));
    this.#active.set(run, performing);
    void performing.then(() => this.#active.delete(run));
  }

  async #perform(run: Run): Promise<void> {
    const { ledger, nudges } = this.shared;
    const ending = await run.perform((context) => this.#handle(context), this.policy);
    const changed = await this.finish(run.claimed, ending, !this.#isStopped);
    ledger.end(run.claimed);
    if (changed === undefined) return;
    // Handed back, or what waited behind it: this process could not claim it any more.
    if (isClaimable(changed.now.record)) nudges.tell(this.name);
    this.#adopt(changed.now.record);
    this.#arm(this.#pauseMs());
  }

  #handle(context: RunContext): unknown {
    const { running } = this.shared.events;
    if (!running.hasSubscribers) return this.#handler(context);
    const { job, key, fencingToken, attempt, manual } = context;
    const around = workBegins(running, { job, key, fencingToken, attempt, manual });
    return around(() => this.#handler(context));
  }

  #tellClaimed({ key, tickMs, attempt, fencingToken }: Claimed): void {
    const { claimed } = this.shared.events;
    if (!claimed.hasSubscribers) return;
    const lateMs = this.shared.runtime.time.wallMs() - tickMs;
    claimed.publish({ job: this.name, key, tickMs, attempt, fencingToken, lateMs });
  }
}
