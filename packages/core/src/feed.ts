/**
 * A bounded stream of changes to one reader: an async iterable that coalesces what is unread.
 *
 * A watcher cares about the last state, not about each step to it. Unread events are kept by key,
 * so a reader that falls behind costs memory for the live keys and not for the traffic, and the
 * last state always arrives. An event keeps the place of the one that it replaces: what belongs
 * before `synced` stays before it.
 *
 * Guarantees: per key in order, last one delivered; one reader. Ends by the signal, by the reader's
 * `return()`, or by `end()`.
 */
import { onAbort } from "./abort.ts";

/** Options of a feed. */
export interface FeedOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when the reader is gone, so that the source can unsubscribe. */
  readonly onEnd?: () => void;
}

/** One reader's stream of `T`. */
export class Feed<T> implements AsyncIterableIterator<T> {
  readonly #unread = new Map<string, T>();
  // Where the reader stands. A fresh iterator at each `next` would walk over the holes that taken
  // events leave in the map, and a long backlog would be read in quadratic time.
  #cursor: MapIterator<[string, T]> = this.#unread.entries();
  readonly #onEnd: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  // Replaced once subscribed: a signal that has aborted already ends the feed while it is made.
  readonly #subscription: { off: () => void } = { off: () => {} };
  #waiting: { resolve(result: IteratorResult<T>): void; reject(reason: unknown): void }[] = [];
  #state: { kind: "open" } | { kind: "ended" } | { kind: "failed"; reason: unknown } = {
    kind: "open",
  };

  constructor(options: FeedOptions = {}) {
    this.#onEnd = options.onEnd;
    this.#signal = options.signal;
    this.#subscription.off = onAbort(options.signal, () => this.fail(this.#signal?.reason));
  }

  /** Events that the reader has not taken yet. */
  get size(): number {
    return this.#unread.size;
  }

  /** Hands `event` to the reader; an unread event of the same `key` is replaced, in its place. */
  push(key: string, event: T): void {
    if (this.#state.kind !== "open") return;
    const reader = this.#waiting.shift();
    if (reader === undefined) this.#unread.set(key, event);
    else reader.resolve({ done: false, value: event });
  }

  /** Takes back an unread event; true if there was one. */
  retract(key: string): boolean {
    return this.#unread.delete(key);
  }

  /** The unread event of `key`. */
  unread(key: string): T | undefined {
    return this.#unread.get(key);
  }

  /** No more events: the reader gets the unread ones, then the end. */
  end(): void {
    this.#finish({ kind: "ended" });
  }

  /** The reader's next call rejects with `reason`; unread events are dropped. */
  fail(reason: unknown): void {
    this.#unread.clear();
    this.#finish({ kind: "failed", reason });
  }

  /** The next value, in order; waits for one. Rejects with the reason that ended the feed. */
  next(): Promise<IteratorResult<T>> {
    const first = this.#firstUnread();
    if (first !== undefined) {
      this.#unread.delete(first[0]);
      return Promise.resolve({ done: false, value: first[1] });
    }
    if (this.#state.kind === "failed") {
      const { reason } = this.#state;
      this.#state = { kind: "ended" }; // A generator throws once, then is done.
      return Promise.reject(reason);
    }
    if (this.#state.kind === "ended") return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends the feed from the reader's side: what is unread is dropped. */
  return(): Promise<IteratorResult<T>> {
    this.#unread.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Itself: it is read once. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Iterators of a map are live: this one goes on to what was pushed since, in order. */
  #firstUnread(): [string, T] | undefined {
    if (this.#unread.size === 0) return undefined;
    let step = this.#cursor.next();
    if (step.done === true) {
      this.#cursor = this.#unread.entries(); // It had reached an end, and stays there.
      step = this.#cursor.next();
    }
    return step.value;
  }

  #finish(state: { kind: "ended" } | { kind: "failed"; reason: unknown }): void {
    if (this.#state.kind !== "open") return;
    this.#state = state;
    this.#subscription.off();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [index, reader] of waiting.entries()) {
      if (state.kind === "failed" && index === 0) {
        this.#state = { kind: "ended" };
        reader.reject(state.reason);
      } else reader.resolve({ done: true, value: undefined });
    }
    this.#onEnd?.();
  }
}
