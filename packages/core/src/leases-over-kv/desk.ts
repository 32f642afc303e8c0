/**
 * The desk of one lease name in one process: everybody here who wants something of that name asks
 * at it, and it speaks with the store for all of them.
 *
 * What is asked meanwhile is taken together into the next conditional write, so a hundred claims
 * of one process cost a few writes and not a hundred, and do not compete with each other. A
 * refused write brings the newer record, on which the same inputs are stepped again. A write whose
 * outcome is unknown is settled before anything else is asked of the store.
 *
 * Guarantees: each ask settles by its deadline; an answer that changed nothing rests on a read
 * that began after the ask. The shell around `step`: it decides nothing about leases itself.
 */
import { sleep } from "../abort.ts";
import { isQuorateError } from "../errors/quorate-error.ts";
import { leaseWindow } from "../lease-window.ts";
import type { Runtime, Timer } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Change, KvStore } from "../waist/kv.ts";
import type { Grant } from "../waist/leases.ts";
import { Ask, type Reply } from "./ask.ts";
import { type Known, RecordCell } from "./cell.ts";
import { type Input, step, type Stepped, type Verdict } from "./line.ts";
import { type Held, type Moment, nextTurnMs, viewAt, type Watchman } from "./patience.ts";
import { type Holder, isFree, type LeaseRecord } from "./record.ts";
import { Sightings } from "./sightings.ts";
import { type Standing, Standings } from "./standings.ts";
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

/** Most asks in one write. */
const BATCH = 64;
/** Should a timer find nothing to do after all, it must not fire at once again. */
const SHORTEST_TIMER_MS = 2;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
const LONGEST_BACKOFF_MS = 250;

/** One name's desk. */
export class Desk {
  readonly name: string;
  readonly sightings: Sightings = new Sightings();
  readonly #context: DeskContext;
  readonly #runtime: Runtime;
  readonly #cell: RecordCell;
  readonly #vigil: Vigil;
  readonly #standings: Standings;
  readonly #held = new Map<string, Held>();
  readonly #asks: Ask[] = [];
  /** The asks that are being carried out. */
  #batch: readonly Ask[] = [];
  #working = false;
  #stopped = false;
  #timer: Timer | undefined;
  #retryAtMs: Ms = 0;
  #retryMs: Ms = FIRST_RETRY_MS;

  constructor(context: DeskContext, name: string) {
    const { kv, runtime, prefix } = context;
    this.#context = context;
    this.#runtime = runtime;
    this.name = name;
    this.#cell = new RecordCell(kv, prefix + name, runtime, this.sightings);
    this.#vigil = new Vigil(kv, prefix + name, runtime, (change) => this.#hear(change));
    this.#standings = new Standings(runtime);
  }

  /** True when nobody here wants anything: the desk may be forgotten. */
  get isIdle(): boolean {
    const quiet = this.#asks.length === 0 && this.#standings.isEmpty;
    return quiet && !this.#working && !this.#vigil.isOpen;
  }

  /** What is known of the record, which may be old. */
  get known(): Known {
    return this.#cell.known;
  }

  /** This process's judgement of others. */
  get watchman(): Watchman {
    return {
      sightings: this.sightings,
      held: this.#held,
      isHere: (owner) => this.#standings.has(owner),
      claimWindowMs: this.#context.claimWindowMs,
      maxBytes: this.#context.maxRecordBytes,
      rollCallSeenMs: this.#standings.rollCallSeenMs,
    };
  }

  /** Reads the record now. */
  async look(timeoutMs: Ms): Promise<Known> {
    await this.#cell.read(timeoutMs);
    return this.#cell.known;
  }

  /**
   * Asks. With a `standing` that has to wait, it stands in line here once this resolves; then
   * `standing.granted` tells of the grant, until `leave`.
   */
  ask(input: Input, timeoutMs: Ms, standing?: Standing): Promise<Reply> {
    const ask: Ask = new Ask(this.#runtime, {
      name: this.name,
      input,
      timeoutMs,
      arrival: this.#cell.exchanges,
      standing,
      lookAgain: () => this.ask({ kind: "look", owner: ask.owner }, timeoutMs),
    });
    this.#asks.push(ask);
    this.#wake();
    return ask.reply;
  }

  /** Takes a claim out of those who wait here; its place in the record is the caller's matter. */
  leave(standing: Standing): void {
    this.#standings.remove(standing);
    this.#rest();
  }

  /** True while a claim of `owner` waits here. */
  waitsHere(owner: string): boolean {
    return this.#standings.has(owner);
  }

  /** Answers whoever still asks: the engine will not. */
  cut(closed: unknown): void {
    for (const ask of [...this.#batch, ...this.#asks]) ask.cut(closed);
  }

  /** No watch, no timer from here on. */
  stop(): void {
    this.#stopped = true;
    this.#vigil.close("now");
    this.#timer?.cancel();
  }

  #hear(change: Change): void {
    try {
      this.#cell.hear(change);
      this.#standings.see(this.#cell.known.record);
      this.#wake();
    } catch (error) {
      // Somebody else's record is in the place of ours: nobody will be granted anything.
      this.#standings.fail(error);
      this.#rest();
    }
  }

  #wake(): void {
    if (this.#working) return;
    if (this.#asks.length === 0 && !this.#hasTurn()) return this.#arm();
    this.#working = true;
    void this.#work();
  }

  /** Never rejects: what goes wrong is told to those who asked. */
  async #work(): Promise<void> {
    // What is asked in the same turn of the event loop goes in the same write.
    await Promise.resolve();
    while (this.#asks.length > 0 || this.#hasTurn()) {
      const batch = this.#asks.splice(0, BATCH).filter((ask) => !ask.settled);
      this.#batch = batch;
      try {
        await this.#carryOut(batch);
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        for (const ask of batch) ask.reject(error);
        if (isQuorateError(error, "RECORD_INVALID")) this.#standings.fail(error);
        this.#retryAtMs = this.#nowMs() + this.#retryMs;
        this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2);
      }
    }
    this.#batch = [];
    this.#working = false;
    this.#rest();
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
        await sleep(this.#runtime, Math.min(timeoutMs, FIRST_RETRY_MS * (tries + 1)));
        continue;
      }
      const { known } = this.#cell;
      const sent = this.#moment();
      const stepped = this.#step(live, known.record, sent);
      if (stepped.changed || this.#isLitter()) {
        for (const ask of live) ask.noteSent();
        const written = await this.#cell.write(stepped.record, timeoutMs);
        this.#standings.see(this.#cell.known.record);
        if (written.kind === "written") {
          return this.#answer(live, stepped.verdicts, sent, written.known);
        }
        for (const ask of live) ask.noteUnwritten(written.kind === "unknown");
        if (written.kind === "conflict") await this.#backOff(tries);
      } else if (live.every((ask) => known.exchange > ask.arrival)) {
        return this.#answer(live, stepped.verdicts, sent, known);
      } else {
        await this.#cell.read(timeoutMs);
      }
    }
  }

  #step(live: readonly Ask[], record: LeaseRecord, now: Moment): Stepped {
    // A claim that is asked for the first time stands here already.
    const arriving = new Set<string>();
    for (const { standing } of live) {
      if (standing?.gone === false) arriving.add(standing.claim.owner);
    }
    const isHere = (owner: string): boolean => arriving.has(owner) || this.#standings.has(owner);
    const view = viewAt(record, { ...this.watchman, isHere }, now, false);
    return step(record, [...live.map((ask) => ask.input), ...this.#standings.inputs()], view);
  }

  /** Tells what came of it; `known` is the record on which the verdicts rest. */
  #answer(live: readonly Ask[], verdicts: readonly Verdict[], sent: Moment, known: Known): void {
    const { record, entry } = known;
    for (const [index, ask] of live.entries()) {
      const verdict = verdicts[index] ?? "absent";
      const holder = verdict === "held" ? record.holders.get(ask.owner) : undefined;
      if (holder !== undefined) {
        const grant = this.#hold(holder, sent);
        ask.resolve({ verdict, grant, record, entry });
        continue;
      }
      if (verdict === "waiting" && ask.standing !== undefined && !ask.settled) {
        this.#standings.add(ask.standing);
        this.#vigil.open();
      }
      // Gone, and we may have been the ones who removed it: then that was our release.
      const ours = verdict === "absent" && ask.input.kind === "release" && ask.doubted;
      ask.resolve({ verdict: ours ? "released" : verdict, record, entry });
    }
    this.#standings.grant((owner) => {
      const holder = record.holders.get(owner);
      return holder?.confirmed === true ? this.#hold(holder, sent) : undefined;
    });
    for (const owner of this.#held.keys()) {
      if (!record.holders.has(owner)) this.#held.delete(owner);
    }
  }

  /** A grant whose last sign of life left at `sent`. */
  #hold(holder: Holder, sent: Moment): Grant {
    const { owner, weight, ttlMs, token, beat } = holder;
    const clocks = { monotonicMs: () => sent.monotonicMs, wallMs: () => sent.wallMs };
    const window = leaseWindow(clocks, ttlMs);
    this.#held.set(owner, { token, beat, sent });
    const { name } = this;
    return { granted: true, name, owner, fencingToken: token, weight, ttlMs, ...window };
  }

  /** Whether there is something to write although nobody asks. */
  #hasTurn(): boolean {
    if (this.#nowMs() < this.#retryAtMs) return false;
    if (this.#isLitter()) return true;
    if (this.#standings.isEmpty) return false;
    const { record } = this.#cell.known;
    const view = viewAt(record, this.watchman, this.#moment(), true);
    return step(record, this.#standings.dueInputs(record), view).changed;
  }

  /** A record that says nothing and could not be removed yet: see the proof about tokens. */
  #isLitter(): boolean {
    const { record, entry, exchange } = this.#cell.known;
    return entry !== undefined && exchange > 0 && isFree(record);
  }

  /** After work: listens only as long as somebody waits, and sets the next timer. */
  #rest(): void {
    if (this.#standings.isEmpty) this.#vigil.close();
    if (!this.#working) this.#arm();
  }

  /** Sets the timer for the moment at which waiting longer would be wrong. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const dueMs = Math.max(this.#dueMs(), this.#retryAtMs);
    if (this.#stopped || dueMs === Infinity) return;
    const delayMs = Math.max(SHORTEST_TIMER_MS, dueMs - this.#nowMs());
    // If this timer comes late, after a pause of ours, news may lie unread in the socket. They need
    // not be read first: what we then do rests on the revision we know, and is refused.
    const keepAlive = !this.#standings.isEmpty;
    this.#timer = this.#runtime.time.setTimer(delayMs, () => this.#wake(), { keepAlive });
  }

  #dueMs(): Ms {
    const now = this.#moment();
    if (this.#isLitter()) return now.monotonicMs;
    if (this.#standings.isEmpty) return Infinity;
    const turnMs = nextTurnMs(this.#cell.known.record, this.watchman, now);
    const { answerAtMs } = this.#standings;
    return answerAtMs > now.monotonicMs ? Math.min(turnMs, answerAtMs) : turnMs;
  }

  #timeoutMs(live: readonly Ask[]): Ms {
    if (live.length === 0) return this.#context.requestTimeoutMs;
    const latestMs = Math.max(...live.map((ask) => ask.deadlineMs));
    // Half of what is left, so that there is time to find out what became of it.
    return Math.max(1, (latestMs - this.#nowMs()) / 2);
  }

  async #backOff(tries: number): Promise<void> {
    // Two who meet sort it out at once. In a crowd, every other try follows at once too: a refusal
    // brings the newest record, and after a sleep that knowledge is old.
    if (tries < 2 || tries % 2 === 1) return;
    const spreadMs = Math.max(1, this.#cell.roundTripMs) * 2 ** Math.min(tries / 2 + 1, 7);
    const delayMs = this.#runtime.random.next() * Math.min(LONGEST_BACKOFF_MS, spreadMs);
    await sleep(this.#runtime, delayMs);
  }

  #nowMs(): Ms {
    return this.#runtime.time.monotonicMs();
  }

  #moment(): Moment {
    const { time } = this.#runtime;
    return { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
  }
}
