/**
 * The shelf of two-phase messages: that of a collection, and beside it the question of what became
 * of messages that stay prepared.
 *
 * The time is counted from when this relay first saw the message, on its own clock: no clocks of
 * two machines are compared, and a take-over only asks later. A question that fails is repeated,
 * with longer rests, for as long as the partition is served.
 */
import { type Ms, QuorateError, type Timer, withDeadline } from "@quorate/core";

import type { KvRecordStore } from "./kv-record-store.ts";
import { KvShelf } from "./kv-shelf.ts";
import { problemOf } from "./partition-relay.ts";
import type { OutboxRecord } from "./record.ts";
import type { Backlog, Job, Shelf, ShelfContext } from "./source.ts";

/** How to learn what became of a prepared message, and what to do then. */
export interface PreparedCheck {
  readonly afterMs: Ms;
  ask(id: string, signal: AbortSignal): PromiseLike<boolean>;
  decide(id: string, isCommitted: boolean): Promise<boolean>;
}

/** Prepared messages that are watched at once; others are met by a later scan. */
const MAX_WATCHED = 10_000;
const ASK_TIMEOUT_MS = 15_000;
const MAX_ASKED_AT_ONCE = 8;
const LONGEST_REST_MS = 60_000;

interface Watched {
  readonly id: string;
  timer: Timer;
  tries: number;
}

/** A shelf that asks. */
export class CheckingShelf implements Shelf {
  readonly #inner: KvShelf;
  readonly #store: KvRecordStore;
  readonly #context: ShelfContext;
  readonly #check: PreparedCheck;
  readonly #watched = new Map<string, Watched>();
  readonly #due: Watched[] = []; // Bounded by those that are watched.
  #asking = 0;
  #isClosed = false;

  constructor(store: KvRecordStore, context: ShelfContext, check: PreparedCheck) {
    this.#store = store;
    this.#context = context;
    this.#check = check;
    this.#inner = new KvShelf(store, context, (key, record) => this.#see(key, record));
  }

  next(): Promise<Job | undefined> {
    return this.#inner.next();
  }

  wake(): void {
    this.#inner.wake();
  }

  backlog(): Promise<Backlog> {
    return this.#inner.backlog();
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#watched.values()) timer.cancel();
    this.#watched.clear();
    this.#due.length = 0;
    this.#inner.close();
  }

  #see(key: string, record: OutboxRecord | undefined): void {
    const watched = this.#watched.get(key);
    const isPrepared = record !== undefined && record.stateText !== "";
    if (!isPrepared) {
      watched?.timer.cancel();
      this.#watched.delete(key);
    } else if (watched === undefined && !this.#isClosed && this.#watched.size < MAX_WATCHED) {
      const id = key.slice(key.lastIndexOf("/") + 1);
      const fresh: Watched = { id, tries: 0, timer: { cancel: () => {} } };
      this.#watched.set(key, fresh);
      this.#askIn(fresh, this.#check.afterMs);
    }
  }

  #askIn(watched: Watched, ms: Ms): void {
    const due = (): void => {
      this.#due.push(watched);
      this.#pump();
    };
    watched.timer = this.#context.runtime.time.setTimer(ms, due, { keepAlive: false });
  }

  #pump(): void {
    while (this.#asking < MAX_ASKED_AT_ONCE) {
      const watched = this.#due.shift();
      if (watched === undefined) return;
      this.#asking += 1;
      void this.#ask(watched).finally(() => {
        this.#asking -= 1;
        this.#pump();
      });
    }
  }

  async #ask(watched: Watched): Promise<void> {
    const { runtime, signal, events } = this.#context;
    const key = this.#store.keyOf(watched.id);
    const isCurrent = (): boolean => !this.#isClosed && this.#watched.get(key) === watched;
    if (!isCurrent()) return;
    try {
      const asked = (async () => this.#check.ask(watched.id, signal))();
      const bounds = { timeoutMs: ASK_TIMEOUT_MS, signal, onTimeout: lateError };
      const isCommitted = await withDeadline(runtime, asked, bounds);
      if (typeof isCommitted !== "boolean")
        throw new Error("committed() must answer true or false");
      if (!(await this.#check.decide(watched.id, isCommitted))) return;
      if (!events.checked.hasSubscribers) return;
      const decision = isCommitted ? "submitted" : "dropped";
      events.checked.publish({ outbox: this.#store.name, id: watched.id, decision });
    } catch (error) {
      if (!isCurrent()) return;
      if (events.trouble.hasSubscribers) {
        const problem = problemOf(error);
        events.trouble.publish({ outbox: this.#store.name, doing: "check", problem });
      }
      watched.tries += 1;
      const mostMs = Math.min(LONGEST_REST_MS, 500 * 2 ** Math.min(watched.tries, 20));
      this.#askIn(watched, mostMs * (0.5 + runtime.random.next() / 2));
    }
  }
}

function lateError(): QuorateError<"TIMEOUT"> {
  const timeoutMs = ASK_TIMEOUT_MS;
  const message = `committed() did not answer within ${timeoutMs} ms; it is asked again`;
  const details = { operation: "committed", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "none", details });
}
