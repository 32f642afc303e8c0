/**
 * The ledger: what became of each recent call, for callers who never heard.
 *
 * After a lost reply the caller may ask: did that call happen? If it did not, the same step bans
 * it, so that a straggler still on its way is refused. Calls have names of their own, made afresh
 * for each try; asking again with the same operation id is another call and is not banned.
 *
 * Guarantees: an exact answer as long as fewer than `LEDGER_SIZE` calls were made since; then
 * `unknown`. Does not guarantee the ban for longer than that.
 */

/** Calls remembered. */
export const LEDGER_SIZE = 10_000;

/** What became of a call. */
export type CallFate = "applied" | "none" | "unknown";

/** Fates of recent calls. */
export class Ledger {
  readonly #calls = new Map<
    string,
    { readonly fate: "applied" | "none"; readonly ranMs: number }
  >();
  /** Names in order of noting, a ring: a map's own first key costs a search once many are gone. */
  readonly #ring: string[] = [];
  #oldest = 0;
  /** When the youngest forgotten call ran, on the store's monotonic clock. */
  #forgottenMs = -Infinity;

  /** True when the call may run: it was not banned. */
  admits(call: string): boolean {
    return !this.#calls.has(call);
  }

  /** Notes what a call came to. */
  note(call: string, fate: "applied" | "none", nowMs: number): void {
    const forgotten = this.#ring[this.#oldest];
    const known = forgotten === undefined ? undefined : this.#calls.get(forgotten);
    if (forgotten !== undefined && known !== undefined) {
      this.#forgottenMs = Math.max(this.#forgottenMs, known.ranMs);
      this.#calls.delete(forgotten);
    }
    this.#ring[this.#oldest] = call;
    this.#oldest = (this.#oldest + 1) % LEDGER_SIZE;
    this.#calls.set(call, { fate, ranMs: nowMs });
  }

  /** What became of a call sent `elapsedMs` ago; one that did not happen never will. */
  settle(call: string, elapsedMs: number, nowMs: number): CallFate {
    const known = this.#calls.get(call);
    if (known !== undefined) return known.fate;
    // Forgotten calls that ran before this one was sent are not this one.
    const certain = this.#forgottenMs < nowMs - elapsedMs;
    this.note(call, "none", nowMs);
    return certain ? "none" : "unknown";
  }

  /** What ran after `sinceMs` is undone, and did not happen. */
  rollBack(sinceMs: number): void {
    for (const [call, { ranMs }] of this.#calls) if (ranMs > sinceMs) this.#calls.delete(call);
  }

  /** The server that knew is gone. */
  clear(nowMs: number): void {
    this.#calls.clear();
    this.#ring.length = 0;
    this.#oldest = 0;
    this.#forgottenMs = nowMs;
  }
}
