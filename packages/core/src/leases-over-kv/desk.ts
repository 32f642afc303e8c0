/**
 * The desk of one lease name in one process: everybody here who wants something of that name asks
 * at it, and it speaks with the store for all of them.
 *
 * What is asked meanwhile is taken together into the next conditional write, so a hundred claims
 * of one process cost a few writes and not a hundred, and they do not compete with each other.
 * A refused write brings the newer record, on which the same inputs are stepped again. A write
 * whose outcome is unknown is settled before anything else is asked of the store.
 *
 * Guarantees: each ask settles by its deadline; an answer that changed nothing rests on a read
 * that began after the ask. The shell around `step`: it decides nothing about leases itself.
 */
import { deferred, type Deferred, sleep } from "../abort.ts";
import { isQuorateError, QuorateError } from "../errors/quorate-error.ts";
import { leaseWindow } from "../lease-window.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Change, Entry, KvStore } from "../waist/kv.ts";
import type { Grant } from "../waist/leases.ts";
import { type Known, RecordCell } from "./cell.ts";
import { type Input, step, type Verdict } from "./line.ts";
import { type Held, type Moment, nextTurnMs, viewAt, type Watchman } from "./patience.ts";
import { type Claim, type Holder, isFree, type LeaseRecord } from "./record.ts";
import { Sightings } from "./sightings.ts";
import { Vigil } from "./vigil.ts";

/** What all desks of a store share. */
export interface DeskContext {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly prefix: string;
  readonly claimWindowMs: Ms;
  readonly maxRecordBytes: number;
  readonly requestTimeoutMs: Ms;
}

/** A claim that stands in line here. */
export interface Standing {
  readonly claim: Claim;
  readonly granted: Deferred<Grant>;
  /** Its caller has given up: it must not begin to stand any more. */
  gone: boolean;
}

/** The answer to an ask. */
export interface Reply {
  readonly verdict: Verdict;
  /** The grant, where the verdict is `held`. */
  readonly grant?: Grant;
  /** The record on which the verdict rests. */
  readonly record: LeaseRecord;
  readonly entry: Entry | undefined;
}

interface Ask {
  readonly input: Input;
  readonly standing: Standing | undefined;
  /** Exchanges begun when it was asked: only later ones know about it. */
  readonly arrival: number;
  readonly deadlineMs: Ms;
  readonly reply: Deferred<Reply>;
  settled: boolean;
  /** It is part of a write that has not been answered. */
  inDoubt: boolean;
  /** It was part of one that was never answered, and then settled. */
  doubted: boolean;
}

const BATCH = 64;
/** A timer that comes later than this says that we were the ones who were absent. */
const PAUSE_MS = 100;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
const LONGEST_BACKOFF_MS = 250;
/** Those asked for a sign of life answer within this much for each in line, not all at once. */
const ANSWER_SPREAD_MS = 10;
const LONGEST_ANSWER_MS = 2_000;

/** One name's desk. */
export class Desk {
  readonly name: string;
  readonly sightings: Sightings = new Sightings();
  readonly #context: DeskContext;
  readonly #cell: RecordCell;
  readonly #vigil: Vigil;
  readonly #standing = new Map<string, Set<Standing>>();
  readonly #held = new Map<string, Held>();
  #asks: Ask[] = [];
  #working = false;
  #timer: Timer | undefined;
  #mustRead = false;
  #stopped = false;
  #retryAtMs: Ms = 0;
  #retryMs: Ms = FIRST_RETRY_MS;
  #answerAtMs: Ms | undefined;
  #rollCall: { readonly count: number; readonly seenMs: Ms } = { count: 0, seenMs: 0 };

  constructor(context: DeskContext, name: string) {
    this.#context = context;
    this.name = name;
    const { kv, runtime, prefix } = context;
    this.#cell = new RecordCell(kv, prefix + name, runtime, this.sightings);
    this.#vigil = new Vigil(kv, prefix + name, runtime, (change) => this.#hear(change));
  }

  /** True when nobody here wants anything: the desk may be forgotten. */
  get isIdle(): boolean {
    const quiet = this.#asks.length === 0 && this.#standing.size === 0;
    return quiet && !this.#working && !this.#vigil.isOpen;
  }

  /** What is known of the record. */
  get record(): LeaseRecord {
    return this.#cell.known.record;
  }

  /** This process's judgement of the record. */
  get watchman(): Watchman {
    return {
      sightings: this.sightings,
      held: this.#held,
      isHere: (owner) => this.#standing.has(owner),
      claimWindowMs: this.#context.claimWindowMs,
      maxBytes: this.#context.maxRecordBytes,
      rollCallSeenMs: this.#rollCall.seenMs,
    };
  }

  /** Reads the record now. */
  async look(timeoutMs: Ms): Promise<{ record: LeaseRecord; entry: Entry | undefined }> {
    await this.#cell.read(timeoutMs);
    const { record, entry } = this.#cell.known;
    return { record, entry };
  }

  /**
   * Asks. With a `standing` that has to wait, it stands in line here once this resolves; then
   * `standing.granted` tells of the grant, until `leave`.
   */
  ask(input: Input, timeoutMs: Ms, standing?: Standing): Promise<Reply> {
    const ask: Ask = {
      input,
      standing,
      arrival: this.#cell.exchanges,
      deadlineMs: this.#nowMs() + timeoutMs,
      reply: deferred<Reply>(),
      settled: false,
      inDoubt: false,
      doubted: false,
    };
    const timer = this.#context.runtime.time.setTimer(timeoutMs, () => {
      this.#reject(ask, this.#deadlineError(ask, timeoutMs));
    });
    this.#asks.push(ask);
    this.#wake();
    const done = (): void => {
      ask.settled = true;
      timer.cancel();
    };
    ask.reply.promise.then(done, done);
    return ask.reply.promise;
  }

  /** Takes a claim out of those who wait here; what the record says of it is the caller's matter. */
  leave(standing: Standing): void {
    standing.gone = true;
    const { owner } = standing.claim;
    const same = this.#standing.get(owner);
    same?.delete(standing);
    if (same?.size === 0) this.#standing.delete(owner);
    this.#afterwards();
  }

  /** True while a claim of `owner` waits here. */
  waitsHere(owner: string): boolean {
    return this.#standing.has(owner);
  }

  /** No watch, no timer from here on. */
  stop(): void {
    this.#stopped = true;
    this.#vigil.close("now");
    this.#timer?.cancel();
  }

  #nowMs(): Ms {
    return this.#context.runtime.time.monotonicMs();
  }

  #moment(): Moment {
    const { time } = this.#context.runtime;
    return { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
  }

  #hear(change: Change): void {
    try {
      this.#cell.hear(change);
      this.#noteRollCall();
      this.#wake();
    } catch (error) {
      this.#failStanding(error);
    }
  }

  #wake(): void {
    if (this.#working) return;
    if (this.#asks.length === 0 && !this.#hasTurn()) return void this.#arm();
    this.#working = true;
    void this.#work();
  }

  /** Never rejects: what goes wrong is told to those who asked. */
  async #work(): Promise<void> {
    // What is asked in the same turn of the event loop goes in the same write.
    await Promise.resolve();
    while (this.#asks.length > 0 || this.#hasTurn()) {
      const batch = this.#asks.splice(0, BATCH).filter((ask) => !ask.settled);
      try {
        await this.#carryOut(batch);
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        for (const ask of batch) this.#reject(ask, error);
        if (isQuorateError(error, "RECORD_INVALID")) this.#failStanding(error);
        this.#retryAtMs = this.#nowMs() + this.#retryMs;
        this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
      }
    }
    this.#working = false;
    this.#afterwards();
  }

  /** Reads, steps and writes until all of `batch`, and those who stand here, have their answer. */
  async #carryOut(batch: readonly Ask[]): Promise<void> {
    for (let tries = 0; ; tries++) {
      const live = batch.filter((ask) => !ask.settled);
      if (live.length === 0 && batch.length > 0) return;
      const timeoutMs = this.#timeoutMs(live);
      if (this.#cell.unsettled !== undefined) {
        if (await this.#cell.settle(timeoutMs)) continue;
        if (live.length === 0) throw this.#cell.unsettled;
        await sleep(this.#context.runtime, Math.min(timeoutMs, FIRST_RETRY_MS * (tries + 1)));
        continue;
      }
      if (this.#mustRead) {
        await this.#cell.read(timeoutMs);
        this.#mustRead = false;
      }
      const known = this.#cell.known;
      const now = this.#moment();
      const inputs = [...live.map((ask) => ask.input), ...this.#claims("all")];
      const view = viewAt(known.record, this.#watchmanFor(live), now, false);
      const stepped = step(known.record, inputs, view);
      if (!stepped.changed && !this.#isLitter()) {
        if (live.every((ask) => known.exchange > ask.arrival)) {
          return this.#answer(live, stepped.verdicts, now, known);
        }
        await this.#cell.read(timeoutMs);
        continue;
      }
      for (const ask of live) ask.inDoubt = true;
      const written = await this.#cell.write(stepped.record, timeoutMs);
      this.#noteRollCall();
      if (written.kind === "written") {
        return this.#answer(live, stepped.verdicts, now, written.known);
      }
      const unknown = written.kind === "unknown";
      for (const ask of live) {
        ask.doubted ||= unknown;
        ask.inDoubt = ask.doubted;
      }
      if (unknown) continue;
      await this.#backOff(tries);
    }
  }

  /** Claims that are asked for the first time in this batch stand here already. */
  #watchmanFor(live: readonly Ask[]): Watchman {
    const arriving = new Set<string>();
    for (const { standing } of live) if (standing !== undefined) arriving.add(standing.claim.owner);
    const watchman = this.watchman;
    return { ...watchman, isHere: (owner) => watchman.isHere(owner) || arriving.has(owner) };
  }

  /** Tells what came of it; `known` is the record on which the verdicts rest. */
  #answer(live: readonly Ask[], verdicts: readonly Verdict[], sent: Moment, known: Known): void {
    const { record, entry } = known;
    for (const [index, ask] of live.entries()) {
      const verdict = verdicts[index] ?? "absent";
      const { input, standing } = ask;
      const owner = input.kind === "claim" ? input.claim.owner : input.owner;
      const holder = verdict === "held" ? record.holders.get(owner) : undefined;
      const stands = verdict === "waiting" && standing?.gone === false && !ask.settled;
      if (stands) this.#stand(standing);
      const grant = holder === undefined ? undefined : this.#hold(holder, sent);
      // Gone, and we may have been the ones who removed it: then that was our release.
      const ours = verdict === "absent" && input.kind === "release" && ask.doubted;
      const told = ours ? "released" : verdict === "held" && !grant ? "refused" : verdict;
      ask.reply.resolve({ verdict: told, ...(grant && { grant }), record, entry });
    }
    for (const [owner, same] of this.#standing) {
      const holder = record.holders.get(owner);
      if (holder?.confirmed !== true) continue;
      const grant = this.#hold(holder, sent);
      for (const standing of same) standing.granted.resolve(grant);
      this.#standing.delete(owner);
    }
    for (const owner of this.#held.keys()) {
      if (!record.holders.has(owner)) this.#held.delete(owner);
    }
  }

  /** A grant whose last sign of life left at `sent`. */
  #hold(holder: Holder, sent: Moment): Grant {
    const { owner, weight, ttlMs, token, beat } = holder;
    const clocks = { monotonicMs: () => sent.monotonicMs, wallMs: () => sent.wallMs };
    const window = leaseWindow(clocks, ttlMs);
    this.#held.set(owner, { token, beat, window });
    const { name } = this;
    return { granted: true, name, owner, fencingToken: token, weight, ttlMs, ...window };
  }

  #stand(standing: Standing): void {
    const { owner } = standing.claim;
    if (this.#standing.size === 0) {
      this.#rollCall = { count: this.record.rolls, seenMs: this.#nowMs() };
    }
    const same = this.#standing.get(owner) ?? new Set();
    this.#standing.set(owner, same.add(standing));
    this.#vigil.open();
  }

  /** The claims that stand here; `due`: without those whose answer to a roll call can wait. */
  #claims(which: "all" | "due"): Input[] {
    const early = which === "due" && this.#nowMs() < (this.#answerAtMs ?? 0);
    const inputs: Input[] = [];
    for (const [owner, [standing]] of this.#standing) {
      const waiter = early ? this.record.line.get(owner) : undefined;
      if (standing === undefined || (waiter !== undefined && !waiter.skipped)) continue;
      inputs.push({ kind: "claim", claim: standing.claim, wait: true });
    }
    return inputs;
  }

  /** Whether there is something to write although nobody asks. */
  #hasTurn(): boolean {
    if (this.#nowMs() < this.#retryAtMs) return false;
    if (this.#isLitter()) return true;
    if (this.#standing.size === 0) return false;
    if (this.#mustRead) return true;
    const { record } = this;
    const view = viewAt(record, this.watchman, this.#moment(), true);
    return step(record, this.#claims("due"), view).changed;
  }

  /** A record that says nothing and could not be removed yet: see the proof about tokens. */
  #isLitter(): boolean {
    const { record, entry, exchange } = this.#cell.known;
    return entry !== undefined && exchange > 0 && isFree(record);
  }

  #noteRollCall(): void {
    const { record } = this.#cell.known;
    if (record.rolls === this.#rollCall.count) return;
    this.#rollCall = { count: record.rolls, seenMs: this.#nowMs() };
    const spreadMs = Math.min(LONGEST_ANSWER_MS, record.line.size * ANSWER_SPREAD_MS);
    this.#answerAtMs = this.#nowMs() + this.#context.runtime.random.next() * spreadMs;
  }

  #afterwards(): void {
    if (this.#standing.size === 0) this.#vigil.close();
    if (!this.#working) this.#arm();
  }

  /** Sets the timer for the moment at which waiting longer would be wrong. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = Math.max(this.#dueMs(), this.#retryAtMs);
    if (this.#stopped || dueMs === Infinity) return;
    const keepAlive = this.#standing.size > 0;
    const onDue = (): void => {
      // After a pause of ours the news that lie in the socket come first.
      if (this.#nowMs() - dueMs > PAUSE_MS) this.#mustRead = true;
      this.#wake();
    };
    const delayMs = Math.max(0, dueMs - this.#nowMs());
    this.#timer = this.#context.runtime.time.setTimer(delayMs, onDue, { keepAlive });
  }

  #dueMs(): Ms {
    const now = this.#moment();
    if (this.#isLitter()) return now.monotonicMs;
    if (this.#standing.size === 0) return Infinity;
    if (this.#mustRead) return now.monotonicMs;
    const turnMs = nextTurnMs(this.record, this.watchman, now);
    const answerAtMs = this.#answerAtMs ?? 0;
    return answerAtMs > now.monotonicMs ? Math.min(turnMs, answerAtMs) : turnMs;
  }

  #timeoutMs(live: readonly Ask[]): Ms {
    if (live.length === 0) return this.#context.requestTimeoutMs;
    const latestMs = Math.max(...live.map((ask) => ask.deadlineMs));
    // Half of what is left, so that there is time to find out what became of it.
    return Math.max(1, (latestMs - this.#nowMs()) / 2);
  }

  async #backOff(tries: number): Promise<void> {
    if (tries === 0) return; // The refusal brought the newest record: try at once.
    const { runtime } = this.#context;
    const spreadMs = Math.max(1, this.#cell.roundTripMs) * 2 ** Math.min(tries, 6);
    await sleep(runtime, runtime.random.next() * Math.min(LONGEST_BACKOFF_MS, spreadMs));
  }

  #deadlineError(ask: Ask, timeoutMs: Ms): QuorateError {
    const operation = `lease ${ask.input.kind}`;
    const what = `no answer about lease ${JSON.stringify(this.name)} within ${timeoutMs} ms`;
    if (!ask.inDoubt) {
      const message = `${what}; nothing was written for it`;
      return new QuorateError("TIMEOUT", message, {
        effect: "none",
        details: { operation, timeoutMs },
      });
    }
    return unknownOutcome(this, ask.input, { what, afterMs: timeoutMs });
  }

  #reject(ask: Ask, error: unknown): void {
    ask.settled = true;
    ask.reply.reject(error);
  }

  #failStanding(error: unknown): void {
    for (const same of this.#standing.values()) {
      for (const standing of same) standing.granted.reject(error);
    }
    this.#standing.clear();
    this.#afterwards();
  }
}

function unknownOutcome(
  desk: Desk,
  input: Input,
  facts: { readonly what: string; readonly afterMs: Ms },
): QuorateError<"OUTCOME_UNKNOWN"> {
  const owner = input.kind === "claim" ? input.claim.owner : input.owner;
  const message = `${facts.what}; it may have happened: ask again with the same owner, or release it`;
  const details = { operation: `lease ${input.kind}`, key: desk.name, afterMs: facts.afterMs };
  return new QuorateError("OUTCOME_UNKNOWN", message, {
    effect: "unknown",
    details,
    // Any ask settles first what is in doubt, so the look finds the truth and nothing lands later.
    resolve: async () => {
      const { verdict } = await desk.ask({ kind: "look", owner }, facts.afterMs);
      const here = input.kind === "claim" || input.kind === "renew";
      return here === (verdict === "present") ? "applied" : "none";
    },
  });
}
