/**
 * Question and answer over one subscription.
 *
 * Every question of this backend, to JetStream or to a peer, names a subject below one random
 * inbox as the place for its answer; one wildcard subscription takes them all. That is three times
 * as fast as the client's `request()`, and tells apart what the client folds together: nobody
 * listens, nobody answered, the link died meanwhile, the server forbade it.
 *
 * Guarantees: each question ends within its time; an answer that comes later is dropped. Memory is
 * bounded by the questions in flight.
 */
import { DueHeap, onAbort, type Waking } from "@quorate/core";
import type { Ms, Runtime, Timer } from "@quorate/core";
import type { NatsMessageLike, NatsSubscriptionLike } from "../connection.ts";
import type { WireHeaders } from "../headers.ts";
import type { Link } from "./link.ts";

/** What became of a question. `not-sent`, `no-responders`, `refused`: nobody acted on it. */
export type Answer =
  /** `sameLink`: the link did not change meanwhile, so even a no can be believed. */
  | { readonly kind: "message"; readonly message: NatsMessageLike; readonly sameLink: boolean }
  | { readonly kind: "no-responders" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "not-sent"; readonly cause: unknown }
  | { readonly kind: "silence"; readonly why: "timeout" | "link lost" | "aborted" | "closed" };

/** A question. */
export interface Question {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers?: WireHeaders | undefined;
  readonly timeoutMs: Ms;
  readonly signal: AbortSignal | undefined;
  /** Go on waiting when the link is lost: a peer's answer may still find the new one. */
  readonly outlivesLink?: boolean;
}

/** A question under way. */
interface Pending extends Waking {
  readonly token: string;
  readonly subject: string;
  readonly outlivesLink: boolean;
  readonly epoch: string;
  settle: (answer: Answer) => void;
  unsubscribe: (() => void) | undefined;
}

const settled = (): void => {};
const NO_RESPONDERS = 503;
const ID_LENGTH = 22;
/** A timer this late means that the event loop stood still: packets that came are read first. */
const STALL_MS = 50;
const DRAIN_MS = 5;

/** Asks, and finds the question that an answer belongs to. */
export class Exchange {
  /** Random name of this backend on the server. */
  readonly id: string;
  readonly #link: Link;
  readonly #runtime: Runtime;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  readonly #unlisten: () => void;
  /** One timer for all deadlines: most questions are answered long before theirs. */
  readonly #deadlines = new DueHeap<Pending>();
  #timer: { readonly timer: Timer; readonly atMs: Ms; readonly isDrained: boolean } | undefined;
  #subscription: NatsSubscriptionLike | undefined;
  #count = 0;
  #closed = false;

  constructor(link: Link, runtime: Runtime, inboxOf: (id: string) => string) {
    this.#link = link;
    this.#runtime = runtime;
    this.id = randomId(runtime);
    this.#inbox = inboxOf(this.id);
    this.#unlisten = link.listen({
      lost: () => this.#onLost(),
      refused: (subject, reason) => this.#onRefused(subject, reason),
    });
  }

  /** Questions without an answer so far. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Asks now, if the link is up. Never rejects. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve) => this.pose(question, resolve));
  }

  /** As `ask`; `settle` is called once, perhaps before this returns. */
  pose(question: Question, settle: (answer: Answer) => void): void {
    const { epoch } = this.#link;
    if (this.#closed) return settle({ kind: "not-sent", cause: new Error("closed") });
    if (epoch === undefined) return settle({ kind: "not-sent", cause: new Error("no connection") });
    this.#count += 1;
    const token = this.#count.toString(36);
    const { signal, subject, timeoutMs } = question;
    const pending: Pending = {
      wakeMs: 0,
      heapIndex: -1,
      token,
      subject,
      outlivesLink: question.outlivesLink === true,
      epoch,
      settle,
      unsubscribe: undefined,
    };
    this.#pending.set(token, pending);
    this.#expect(pending, this.#runtime.time.monotonicMs() + timeoutMs);
    const cause = this.#send(question, token);
    if (cause !== undefined) return this.#settle(pending, { kind: "not-sent", cause });
    if (signal === undefined) return;
    pending.unsubscribe = onAbort(signal, () =>
      this.#settle(pending, { kind: "silence", why: "aborted" }),
    );
  }

  /** Ends every question as `silence`. */
  close(): void {
    this.#closed = true;
    this.#unlisten();
    this.#dropSubscription();
    for (const pending of [...this.#pending.values()]) {
      this.#settle(pending, { kind: "silence", why: "closed" });
    }
  }

  #settle(pending: Pending, answer: Answer): void {
    if (!this.#pending.delete(pending.token)) return;
    pending.unsubscribe?.();
    this.#deadlines.remove(pending);
    if (this.#deadlines.size === 0) this.#disarm();
    const { settle } = pending;
    // Old tables of the Map hold on to what was in it: let that be little.
    pending.settle = settled;
    settle(answer);
  }

  #expect(pending: Pending, atMs: Ms): void {
    this.#deadlines.update(pending, atMs);
    if (this.#timer === undefined || atMs < this.#timer.atMs) this.#arm(atMs, false);
  }

  #arm(atMs: Ms, isDrained: boolean): void {
    this.#disarm();
    const { time } = this.#runtime;
    const delayMs = Math.max(0, atMs - time.monotonicMs());
    this.#timer = { timer: time.setTimer(delayMs, () => this.#tick()), atMs, isDrained };
  }

  #disarm(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = this.#runtime.time.monotonicMs();
    const { atMs = nowMs, isDrained = true } = this.#timer ?? {};
    this.#timer = undefined;
    if (nowMs - atMs > STALL_MS && !isDrained) return this.#arm(nowMs + DRAIN_MS, true);
    for (let due = this.#deadlines.peek(); due !== undefined; due = this.#deadlines.peek()) {
      if (due.wakeMs > nowMs) return this.#arm(due.wakeMs, false);
      this.#settle(due, { kind: "silence", why: "timeout" });
    }
  }

  /** The client throws where it can see at once that it cannot send. */
  #send(question: Question, token: string): unknown {
    const { headers } = question;
    try {
      this.#subscribe();
      const reply = this.#inbox + token;
      const options = headers === undefined ? { reply } : { reply, headers };
      this.#link.connection.publish(question.subject, question.data, options);
      return undefined;
    } catch (error) {
      return error ?? new Error("the client refused to send");
    }
  }

  #subscribe(): void {
    this.#subscription ??= this.#link.connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error === null || error === undefined) this.#onMessage(message);
        else this.#subscription = undefined; // Forbidden: the client dropped it, make it anew.
      },
    });
  }

  #onMessage(message: NatsMessageLike): void {
    const pending = this.#pending.get(message.subject.slice(this.#inbox.length));
    if (pending === undefined) return;
    if (message.headers?.code === NO_RESPONDERS && message.data.length === 0) {
      return this.#settle(pending, { kind: "no-responders" });
    }
    const sameLink = pending.epoch === this.#link.epoch;
    this.#settle(pending, { kind: "message", message, sameLink });
  }

  #onLost(): void {
    for (const pending of [...this.#pending.values()]) {
      if (!pending.outlivesLink) this.#settle(pending, { kind: "silence", why: "link lost" });
    }
  }

  #onRefused(subject: string, reason: string): void {
    const ours = subject === `${this.#inbox}*`;
    for (const pending of [...this.#pending.values()]) {
      if (ours || pending.subject === subject) this.#settle(pending, { kind: "refused", reason });
    }
  }

  #dropSubscription(): void {
    try {
      this.#subscription?.unsubscribe();
    } catch {
      // A closed connection has no subscriptions left to end.
    }
    this.#subscription = undefined;
  }
}

/** 22 base-36 characters: an inbox that nobody guesses. */
function randomId(runtime: Pick<Runtime, "random">): string {
  const bytes = runtime.random.bytes(ID_LENGTH);
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
