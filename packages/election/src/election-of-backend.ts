/**
 * An election on a backend: one candidacy at a time, and what is asked about it.
 */
import {
  type Backend,
  callable,
  invalidArgument,
  isQuorateError,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  onAbort,
} from "@quorate/core";
import { createLocks, type Locks } from "@quorate/lock";
import { Candidacy, type CandidacyDesk } from "./candidacy.ts";
import { resignedError, saysItIsOver, timeoutError, wrongState } from "./election-errors.ts";
import type { Election, ElectionStanding, ElectionState, TransferAnswer } from "./election.ts";
import { electionEvents } from "./events.ts";
import { bringToHead, type LineDesk, successorOf } from "./hand-over.ts";
import type { Leadership, ResignAnswer } from "./leadership.ts";
import * as checked from "./options.ts";
import { observe } from "./observer.ts";
import { listen } from "./passage.ts";
import { keepPreference } from "./preference.ts";
import { decodeStanding, decodeTermRecord } from "./record.ts";
import { RECORD_PREFIX, recordGuard } from "./term-log.ts";
import type { Term } from "./term.ts";
import { type Leader, leaderOf, type Observation } from "./view.ts";

/** How long a transfer looks for its outcome. */
const SUCCESSOR_MS = 2_000;

/** See `Election`. */
export class ElectionOfBackend implements Election {
  readonly name: string;
  readonly #backend: Backend;
  readonly #locks: Locks;
  readonly #desk: CandidacyDesk;
  readonly #line: LineDesk;
  readonly #lifecycle: Lifecycle;
  #current: Candidacy | undefined;
  #isTransferring = false;

  constructor(backend: Backend, name: string, given: checked.ElectionOptions) {
    const { runtime, leases, bus } = backend;
    const key = checked.keyOf(name);
    const options = checked.checkElectionOptions(given, runtime);
    this.name = name;
    this.#backend = backend;
    this.#locks = createLocks(backend, { ttlMs: options.ttlMs, waitMs: Infinity });
    this.#lifecycle = new Lifecycle(`the election ${name}`, runtime);
    this.#line = { name, lease: `lock/${key}`, subject: key, leases, bus, runtime };
    const events = electionEvents(runtime.events);
    const subject = { election: name, candidate: options.standing.candidate };
    this.#desk = {
      ...{ name, key, runtime, options, events, subject },
      locks: this.#locks,
      records: recordGuard(backend.kv),
      failed: (during, error, failures) => {
        if (!events.failed.hasSubscribers) return;
        const code = isQuorateError(error) ? error.code : "UNKNOWN";
        events.failed.publish({ ...subject, during, code, failures });
      },
    };
  }

  get candidate(): string {
    return this.#desk.subject.candidate;
  }

  get isLeader(): boolean {
    return this.#current?.term?.isLeader ?? false;
  }

  async lead<T>(
    work: (leadership: Leadership) => T | PromiseLike<T>,
    options: checked.LeadOptions = {},
  ): Promise<T | undefined> {
    callable("work", work);
    knownOptions("options", options, ["signal"]);
    const signal = checked.checkSignal(options.signal);
    this.#assertIdle("lead");
    if (signal?.aborted === true) return undefined;
    return this.#lifecycle.track(this.#lead(work, signal));
  }

  async #lead<T>(
    work: (leadership: Leadership) => T | PromiseLike<T>,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    const { preferred, minTermMs, ttlMs, resignWithinMs } = this.#desk.options;
    let outcome: { value: T } | { error: unknown } | undefined;
    const candidacy = new Candidacy(this.#desk, {
      ambition: "always",
      waitMs: Infinity,
      work: async (term) => {
        const result = await attempt(work, term);
        // After a loss or a transfer it leads again, later: what this term came to is past.
        const counts = term.remainingMs > 0 && term.reason !== "transferred";
        outcome = counts ? result : undefined;
      },
      onLeading: (term) => {
        if (preferred === undefined || preferred === this.candidate) return;
        void keepPreference({
          ...{ preferred, minTermMs, ttlMs, line: this.#line, signal: term.signal },
          handOver: () => this.#handOver(preferred, resignWithinMs),
          failed: (error, failures) => this.#desk.failed("prefer", error, failures),
        });
      },
    });
    const stop = (): void =>
      candidacy.stop({ afterwards: "end", reason: "resigned", withinMs: resignWithinMs });
    const unsubscribe = onAbort(signal, stop);
    await this.#follow(candidacy).finally(unsubscribe);
    if (candidacy.error !== undefined) throw candidacy.error;
    // Cut off: what the work comes to, if ever, nobody waits for.
    if (candidacy.working !== undefined || outcome === undefined) return undefined;
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  async campaign(options: checked.CampaignOptions = {}): Promise<Leadership> {
    knownOptions("options", options, ["signal", "waitMs"]);
    const signal = checked.checkSignal(options.signal);
    const waitMs = checked.checkWait(options.waitMs);
    this.#assertIdle("campaign");
    signal?.throwIfAborted();
    return this.#lifecycle.track(this.#campaign(waitMs, signal));
  }

  #campaign(waitMs: Ms, signal: AbortSignal | undefined): Promise<Leadership> {
    return new Promise((resolve, reject) => {
      const candidacy = new Candidacy(this.#desk, {
        ...{ ambition: "once", waitMs, work: undefined },
        onLeading: (term) => {
          unsubscribe();
          resolve(term);
        },
      });
      const stop = { afterwards: "end", reason: "resigned", withinMs: 0 } as const;
      const unsubscribe = onAbort(signal, () => candidacy.stop(stop));
      void this.#follow(candidacy).then(() => {
        unsubscribe();
        reject(this.#whyNot(candidacy, waitMs, signal)); // Does nothing once it was elected.
      });
    });
  }

  #whyNot(candidacy: Candidacy, waitMs: Ms, signal: AbortSignal | undefined): unknown {
    const { error } = candidacy;
    if (isQuorateError(error, "LOCK_TIMEOUT")) return timeoutError(this.name, waitMs);
    if (error !== undefined) return error;
    if (this.#lifecycle.isClosed) return this.#lifecycle.closedError();
    return signal?.aborted === true ? signal.reason : resignedError(this.name);
  }

  /** Runs a candidacy to its end, listening meanwhile whether another shall pass. */
  async #follow(candidacy: Candidacy): Promise<void> {
    this.#current = candidacy;
    const { bus, runtime, subject } = this.#line;
    const listening = new AbortController();
    const heard = listen({
      ...{ bus, runtime, subject, candidate: this.candidate, signal: listening.signal },
      letPass: candidacy.letPass,
      failed: (error, failures) => this.#desk.failed("listen", error, failures),
    });
    await candidacy.start().ended;
    listening.abort(new Error("the candidacy is over"));
    void heard;
  }

  async resign(options: checked.WithinOptions = {}): Promise<ResignAnswer> {
    const withinMs = checked.checkWithin(options, this.#desk.options.resignWithinMs);
    return this.#resign(withinMs);
  }

  async #resign(withinMs: Ms): Promise<ResignAnswer> {
    const candidacy = this.#current;
    if (candidacy === undefined || candidacy.state === "ended") return "not-leading";
    const { state } = candidacy;
    candidacy.stop({ afterwards: "end", reason: "resigned", withinMs });
    await candidacy.ended;
    const wasWaiting = state === "campaigning" || state === "resting" || state === "leaving";
    return wasWaiting ? "not-leading" : candidacy.answer;
  }

  async transferTo(
    candidate: string,
    options: checked.WithinOptions = {},
  ): Promise<TransferAnswer> {
    checked.checkCandidate("candidate", candidate);
    const withinMs = checked.checkWithin(options, this.#desk.options.resignWithinMs);
    if (candidate === this.candidate) {
      throw invalidArgument("candidate", candidate, "another than this one, which leads");
    }
    this.#lifecycle.assertOpen();
    return this.#handOver(candidate, withinMs);
  }

  /** One at a time: two would turn the line against each other. */
  async #handOver(to: string, withinMs: Ms): Promise<TransferAnswer> {
    if (this.#isTransferring) throw wrongState(this.name, "transfer", "transferring");
    this.#isTransferring = true;
    try {
      return await this.#transferNow(to, withinMs);
    } finally {
      this.#isTransferring = false;
    }
  }

  async #transferNow(to: string, withinMs: Ms): Promise<TransferAnswer> {
    const candidacy = this.#current;
    const term = candidacy?.term;
    if (candidacy === undefined || term?.isLeader !== true) {
      throw wrongState(this.name, "transfer", this.#standing);
    }
    const { time } = this.#line.runtime;
    const endsMs = time.monotonicMs() + withinMs;
    const leftMs = (): Ms => Math.max(0, endsMs - time.monotonicMs());
    await bringToHead(this.#line, { to, withinMs, signal: term.signal });
    if (!term.isLeader) throw wrongState(this.name, "transfer", this.#standing);
    const stop = { afterwards: "campaign", reason: "transferred", withinMs: leftMs() } as const;
    // It may have left and come back meanwhile.
    const beforeGivingBack = (): Promise<void> =>
      bringToHead(this.#line, { to, withinMs: leftMs(), signal: undefined });
    const answer = await candidacy.handOver(term, { ...stop, beforeGivingBack });
    if (answer === "left-to-expire") return { kind: answer };
    const leader = await successorOf(this.#line, term.term, SUCCESSOR_MS);
    return leader?.candidate === to
      ? { kind: "transferred", leader }
      : { kind: "elsewhere", leader };
  }

  observe(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterable<Observation> {
    knownOptions("options", options, ["signal"]);
    const signal = checked.checkSignal(options.signal);
    this.#lifecycle.assertOpen();
    signal?.throwIfAborted();
    return observe({
      backend: this.#backend,
      lease: this.#line.lease,
      record: `${RECORD_PREFIX}/${this.name}`,
      signal,
      stopping: this.#lifecycle.stopping,
      failed: (error, failures) => this.#desk.failed("observe", error, failures),
    });
  }

  async leader(options?: { readonly signal?: AbortSignal }): Promise<Leader | undefined> {
    const { leader } = await this.inspect(options);
    return leader;
  }

  async inspect(options: { readonly signal?: AbortSignal } = {}): Promise<ElectionState> {
    knownOptions("options", options, ["signal"]);
    const signal = checked.checkSignal(options.signal);
    this.#lifecycle.assertOpen();
    // Two reads of one moment each: a record is believed only of the very term that holds.
    const [fence, { holders, waiters }] = await Promise.all([
      this.#desk.records.peek(this.name, { signal }),
      this.#backend.leases.inspect(this.#line.lease, { signal }),
    ]);
    const record = fence === undefined ? undefined : decodeTermRecord(fence.payload);
    const holder = holders.at(-1);
    return {
      election: this.name,
      leader: holder === undefined ? undefined : leaderOf(holder, record),
      candidates: waiters.map(({ data }) => decodeStanding(data)),
      self: { candidate: this.candidate, standing: this.#standing },
    };
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const standardMs = this.#desk.options.resignWithinMs;
    const graceMs = nonNegative("graceMs", options.graceMs ?? standardMs);
    const resigning = this.#lifecycle.isClosed ? undefined : this.#resign(graceMs);
    // The wait is in `resigning`, which is bounded.
    return this.#lifecycle.close(0, async () => {
      await resigning;
      await this.#locks.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #standing(): ElectionStanding {
    const state = this.#current?.state ?? "ended";
    return state === "ended" ? "idle" : state;
  }

  #assertIdle(verb: string): void {
    this.#lifecycle.assertOpen();
    const candidacy = this.#current;
    if (candidacy === undefined) return;
    if (candidacy.state !== "ended") throw wrongState(this.name, verb, candidacy.state);
    if (candidacy.working !== undefined) throw wrongState(this.name, verb, "still at work");
  }
}

/** What the work came to. That it stopped because it was told to is nothing to speak of. */
async function attempt<T>(
  work: (leadership: Leadership) => T | PromiseLike<T>,
  term: Term,
): Promise<{ value: T } | { error: unknown } | undefined> {
  try {
    return { value: await work(term) };
  } catch (error) {
    const wasTold = term.signal.aborted || term.remainingMs === 0;
    return wasTold && saysItIsOver(error, term.term) ? undefined : { error };
  }
}
