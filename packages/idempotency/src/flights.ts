/**
 * The runs of this process, by place: a repeat that finds one joins it without asking the store.
 *
 * Bounded by the work that is under way; who waits for it is bounded by `maxWaiting`.
 */
import type { StoredAnswer } from "./record.ts";

/** How a run ended: with an answer that is stored, or without. */
export type FlightEnd =
  | { readonly kind: "answered"; readonly answer: StoredAnswer }
  | { readonly kind: "open" };

/** A run of this process. */
export interface Flight {
  readonly fingerprint: string;
  /** Until its lease ends, as far as this process knows. */
  readonly leaseLeftMs: number;
  /** Calls `listener` once, when it has ended or is lost. Returns the way to unsubscribe. */
  onEnd(listener: (end: FlightEnd) => void): () => void;
}

/** Runs by place. */
export class Flights {
  readonly #flights = new Map<string, Flight>();

  /** The run at `storeKey`. */
  at(storeKey: string): Flight | undefined {
    return this.#flights.get(storeKey);
  }

  /** From now on repeats join `flight`. */
  add(storeKey: string, flight: Flight): void {
    this.#flights.set(storeKey, flight);
  }

  /** Repeats do not join `flight` any more. */
  remove(storeKey: string, flight: Flight): void {
    // A lost run may have been followed by another of this process.
    if (this.#flights.get(storeKey) === flight) this.#flights.delete(storeKey);
  }

  /** All of them. */
  all(): readonly Flight[] {
    return [...this.#flights.values()];
  }
}
