/**
 * A run in hand: what the work is told, and the one ending that it owes its key.
 *
 * An answer is encoded before it is stored and stored before it is announced. What is announced is
 * what the store has: this run's answer, or the winner's where another took over.
 */
import {
  type FencingToken,
  isQuorateError,
  type LinkedController,
  linkedController,
  type QuorateError,
} from "@quorate/core";
import { describeFailure, readAnswer, reasonOf, valueOf } from "./answers.ts";
import type { Answer, Answered, Execution } from "./begun.ts";
import type { Desk } from "./desk.ts";
import { type Encoded, encodeResult } from "./encode-result.ts";
import { type Ended, endRun } from "./end-run.ts";
import { endedError, notStoredError, supersededError, unencodableError } from "./errors.ts";
import { withOutcome } from "./errors.ts";
import type { EndedEvent } from "./events.ts";
import type { Flight, FlightEnd } from "./flights.ts";
import { type HeldClaim, publishSuperseded, TAKEN } from "./held-claim.ts";
import { encodeAnswer, encodeReleased, type StoredAnswer } from "./record.ts";

const OPEN: FlightEnd = { kind: "open" };

/** An answer that counts, and whether it is this run's. */
interface Counted {
  readonly answer: StoredAnswer;
  readonly isMine: boolean;
}

/** A run of this process. */
export class ClaimedRun<T> implements Execution<T>, Flight {
  readonly #desk: Desk;
  readonly #claim: HeldClaim;
  readonly #listeners = new Set<(end: FlightEnd) => void>();
  #controller: LinkedController | undefined;
  #isEnded = false;
  #end: FlightEnd | undefined;

  constructor(desk: Desk, hold: (onLost: () => void) => HeldClaim) {
    this.#desk = desk;
    this.#claim = hold(() => this.#lost());
    desk.flights.add(this.#claim.call.storeKey, this);
  }

  get key(): string {
    return this.#claim.call.key;
  }

  get fencingToken(): FencingToken {
    return this.#claim.fencingToken;
  }

  get attempt(): number {
    return this.#claim.head.attempt;
  }

  get takeover(): boolean {
    return this.#claim.head.attempt > 1;
  }

  get fingerprint(): string {
    return this.#claim.head.fingerprint;
  }

  get leaseLeftMs(): number {
    return this.#claim.lease.leftMs(this.#desk.runtime.time);
  }

  /** Made when it is read: most work never does, and a controller costs microseconds. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = linkedController(this.#claim.call.signal);
      if (this.#claim.problem !== undefined) this.#controller.abort(this.#claim.problem);
      if (this.#isEnded) this.#controller.detach();
    }
    return this.#controller.signal;
  }

  onEnd(listener: (end: FlightEnd) => void): () => void {
    const member = (end: FlightEnd): void => listener(end); // Its own identity.
    if (this.#end !== undefined) member(this.#end);
    else this.#listeners.add(member);
    return () => void this.#listeners.delete(member);
  }

  async complete(value: T): Promise<Answer<T>> {
    this.#begin();
    const encoded = this.#encode(value);
    if (!encoded.ok) return this.#unencodable(value, encoded.reason);
    const answer: StoredAnswer = { state: "completed", text: encoded.text, atMs: this.#wallMs() };
    try {
      const counted = await this.#answer(answer, "applied");
      if (!counted.isMine) return valueOf(this.#read(counted));
      return { value: encoded.value as T, replayed: false, completedAtMs: answer.atMs };
    } catch (error) {
      if (isQuorateError(error, "TOO_LARGE")) return this.#unencodable(value, reasonOf(error));
      throw typeof error === "object" && error !== null ? withOutcome(error, value) : error;
    }
  }

  async refuse(error: QuorateError<"REFUSED">): Promise<Answered<T>> {
    this.#begin();
    const { reason, data } = error.details;
    return this.#answerError("refused", data === undefined ? { reason } : { reason, data }, error);
  }

  async fail(error: unknown): Promise<Answered<T>> {
    this.#begin();
    return this.#answerError("failed", describeFailure(error), error);
  }

  async release(): Promise<Answered<T> | undefined> {
    this.#begin();
    return this.#letGo("released");
  }

  async discard(): Promise<Answered<T> | undefined> {
    this.#begin();
    // What earlier runs did is not this one's to forget.
    return this.#letGo(this.takeover ? "released" : "discarded");
  }

  hold(): void {
    this.#begin();
    this.#over(OPEN, "held");
  }

  /** Takes the one ending that there is. */
  #begin(): void {
    if (this.#isEnded) throw endedError(this);
    this.#isEnded = true;
    this.#claim.stop();
  }

  #encode(value: unknown): Encoded {
    const maxBytes = this.#desk.maxResultBytes(this.#claim.call);
    return encodeResult(value, this.#desk.options.codec, maxBytes);
  }

  /** Stores a refusal or a failure. */
  async #answerError(
    state: "refused" | "failed",
    facts: unknown,
    error: unknown,
  ): Promise<Answered<T>> {
    const encoded = this.#encode(facts);
    if (!encoded.ok) return this.#unencodable(error, encoded.reason).then(replayOf);
    const answer: StoredAnswer = { state, text: encoded.text, atMs: this.#wallMs() };
    try {
      return this.#read(await this.#answer(answer, state === "refused" ? "none" : "unknown"));
    } catch (thrown) {
      if (!isQuorateError(thrown, "TOO_LARGE")) throw thrown;
      return this.#unencodable(error, reasonOf(thrown)).then(replayOf);
    }
  }

  /** The result is such that it cannot be an answer: that is the answer, or the key is let go. */
  async #unencodable(value: unknown, reason: string): Promise<Answer<T>> {
    const error = withOutcome(unencodableError(this.key, reason), value);
    const { codec, onUnencodable } = this.#desk.options;
    if (onUnencodable === "release") {
      const winner = await this.#letGo("released");
      if (winner === undefined) throw error;
      return valueOf(winner);
    }
    // Through the codec as well: the reason may quote the result. Where not even that can be
    // encoded, that it is so is stored all the same.
    const encoded = encodeResult({ reason }, codec, Infinity);
    const text = encoded.ok ? encoded.text : "";
    const answer = { state: "unencodable", text, atMs: this.#wallMs() } as const;
    const counted = await this.#answer(answer, "applied");
    if (counted.isMine) throw error;
    return valueOf(this.#read(counted));
  }

  /** Stores an answer, and tells all who wait for it. */
  async #answer(answer: StoredAnswer, effect: "none" | "unknown" | "applied"): Promise<Counted> {
    const { call, head } = this.#claim;
    const { cache } = this.#desk;
    const since = cache?.reading();
    const text = encodeAnswer(head, this.fencingToken, answer);
    const { ttlMs } = call;
    let ended: Ended;
    try {
      ended = await endRun(this.#desk, this.#claim, { question: "answer", text, ttlMs });
    } catch (error) {
      if (isQuorateError(error, "TOO_LARGE") && answer.state !== "unencodable") throw error;
      this.#over(OPEN, "not-stored");
      throw notStoredError(this, effect, error);
    }
    switch (ended.kind) {
      case "done":
        if (since !== undefined) {
          cache?.put(
            call.storeKey,
            { fingerprint: head.fingerprint, answer, keptMs: ttlMs },
            since,
          );
        }
        this.#over({ kind: "answered", answer }, "answered");
        return { answer, isMine: true };
      case "winner":
        this.#superseded({ kind: "answered", answer: ended.answer }, TAKEN);
        return { answer: ended.answer, isMine: false };
      case "superseded":
        this.#superseded(OPEN, ended.why);
        throw this.#claim.problem ?? supersededError(this, ended.why);
    }
  }

  /** Gives the key back without an answer. */
  async #letGo(how: "released" | "discarded"): Promise<Answered<T> | undefined> {
    const { call, head } = this.#claim;
    const text = how === "released" ? encodeReleased(head, this.fencingToken) : undefined;
    try {
      const ending = { question: "let-go", text, ttlMs: call.ttlMs } as const;
      const ended = await endRun(this.#desk, this.#claim, ending);
      if (ended.kind === "winner") {
        this.#superseded({ kind: "answered", answer: ended.answer }, TAKEN);
        return this.#read({ answer: ended.answer, isMine: false });
      }
    } catch {
      // The lease ends by itself; what the work said is the news.
    }
    this.#over(OPEN, how);
    return undefined;
  }

  #read({ answer, isMine }: Counted): Answered<T> {
    return readAnswer<T>(answer, this.#desk.options.codec, this.key, !isMine);
  }

  #wallMs(): number {
    return Math.floor(this.#desk.runtime.time.wallMs());
  }

  #lost(): void {
    this.#controller?.abort(this.#claim.problem);
    this.#leave(OPEN);
  }

  #superseded(end: FlightEnd, why: string): void {
    if (this.#claim.problem === undefined) publishSuperseded(this.#desk, this.#claim, why);
    this.#finish(end);
  }

  #over(end: FlightEnd, how: EndedEvent["how"]): void {
    const { ended } = this.#desk.events;
    if (ended.hasSubscribers) {
      const { key, scope } = this.#claim.call;
      ended.publish({ key, scope, fencingToken: this.fencingToken, how });
    }
    this.#finish(end);
  }

  #finish(end: FlightEnd): void {
    this.#controller?.detach();
    this.#leave(end);
  }

  /** Nobody joins it any more, and those who did are told. */
  #leave(end: FlightEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#desk.flights.remove(this.#claim.call.storeKey, this);
    for (const listener of this.#listeners) listener(end);
    this.#listeners.clear();
  }
}

function replayOf<T>(answer: Answer<T>): Answered<T> {
  const { value, replayed, completedAtMs } = answer;
  return { kind: "replay", value, replayed, completedAtMs };
}
