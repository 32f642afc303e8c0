/**
 * What has begun and not ended: spans between two events, under the name that both events have.
 *
 * Guarantees: at most `max`; beyond that the oldest is forgotten, since an end may never come (the
 * process was not told, or told before it listened).
 */

/** Values under names, oldest first. */
export class Pending<V> {
  readonly #max: number;
  readonly #values = new Map<string, V>();

  constructor(max = 10_000) {
    this.#max = max;
  }

  /** How many there are. */
  get size(): number {
    return this.#values.size;
  }

  /** Remembers `value`. */
  begin(name: string, value: V): void {
    if (this.#values.size >= this.#max) {
      const [oldest] = this.#values.keys();
      if (oldest !== undefined) this.#values.delete(oldest);
    }
    this.#values.set(name, value);
  }

  /** The value, which stays. */
  peek(name: string): V | undefined {
    return this.#values.get(name);
  }

  /** The value, which is forgotten. */
  end(name: string): V | undefined {
    const value = this.#values.get(name);
    if (value !== undefined) this.#values.delete(name);
    return value;
  }

  /** All values, which are forgotten. */
  drain(): V[] {
    const values = [...this.#values.values()];
    this.#values.clear();
    return values;
  }
}
