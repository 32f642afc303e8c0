/**
 * The bus machine: who listens to what, and to whom a message goes.
 *
 * A subscription takes one subject or a prefix. Members of a queue share: each message goes to one
 * of them, chosen by the store's chance; a queue is known by its name among those who match.
 *
 * Sans-I/O: `route` returns who gets a message and delivers nothing. Nothing is kept of a message.
 */
import { isPrefix, matchesTarget, type Random } from "@quorate/core";

/** Who listens. */
export interface Listener<T> {
  readonly target: string;
  readonly queue: string | undefined;
  /** How to reach it. */
  readonly port: T;
}

/** The subscriptions of one namespace. */
export class BusHub<T> {
  readonly #exact = new Map<string, Set<Listener<T>>>();
  readonly #prefixes = new Set<Listener<T>>();

  /** Subscriptions alive. */
  get size(): number {
    let size = this.#prefixes.size;
    for (const listeners of this.#exact.values()) size += listeners.size;
    return size;
  }

  /** Adds a listener; returns the way to take it off. */
  add(listener: Listener<T>): () => void {
    const { target } = listener;
    if (isPrefix(target)) {
      this.#prefixes.add(listener);
      return () => void this.#prefixes.delete(listener);
    }
    const listeners = this.#exact.get(target) ?? new Set();
    this.#exact.set(target, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#exact.get(target) === listeners) this.#exact.delete(target);
    };
  }

  /** Who gets a message for `subject`, in order of subscription; empty when nobody listens. */
  route(subject: string, random: Pick<Random, "next">): T[] {
    const ports: T[] = [];
    const queues = new Map<string, Listener<T>[]>();
    for (const listener of this.#matching(subject)) {
      if (listener.queue === undefined) ports.push(listener.port);
      else if (!queues.get(listener.queue)?.push(listener)) queues.set(listener.queue, [listener]);
    }
    for (const members of queues.values()) {
      const chosen = members[Math.floor(random.next() * members.length)];
      if (chosen !== undefined) ports.push(chosen.port);
    }
    return ports;
  }

  /** Everybody is gone. */
  clear(): void {
    this.#exact.clear();
    this.#prefixes.clear();
  }

  *#matching(subject: string): IterableIterator<Listener<T>> {
    yield* this.#exact.get(subject) ?? [];
    for (const listener of this.#prefixes) {
      if (matchesTarget(listener.target, subject)) yield listener;
    }
  }
}
