/**
 * Who watches what: listeners by target, told of each change to a name.
 */
import { isPrefix, matchesTarget } from "@quorate/core";

/** Listeners to changes of names. */
export class Topic<T> {
  readonly #exact = new Map<string, Set<(change: T) => void>>();
  readonly #prefixes = new Map<(change: T) => void, string>();

  /** Whether anybody watches anything. */
  get isWatched(): boolean {
    return this.#exact.size > 0 || this.#prefixes.size > 0;
  }

  /** Watches alive. */
  get size(): number {
    let size = this.#prefixes.size;
    for (const listeners of this.#exact.values()) size += listeners.size;
    return size;
  }

  /** Adds a listener; returns the way to take it off. */
  add(target: string, listener: (change: T) => void): () => void {
    if (isPrefix(target)) {
      this.#prefixes.set(listener, target);
      return () => void this.#prefixes.delete(listener);
    }
    const listeners = this.#exact.get(target) ?? new Set();
    this.#exact.set(target, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#exact.delete(target);
    };
  }

  /** Tells all who watch `name`. Listeners must not throw. */
  tell(name: string, change: T): void {
    for (const listener of this.#exact.get(name) ?? []) listener(change);
    for (const [listener, target] of this.#prefixes) {
      if (matchesTarget(target, name)) listener(change);
    }
  }
}
