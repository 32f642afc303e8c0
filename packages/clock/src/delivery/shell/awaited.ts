/**
 * Publications of a total order that wait for their place.
 *
 * Each ends in one of three ways: it has its place (and was delivered here), it was not sent, or
 * nobody here knows: then it may still get its place, at members who go on without us.
 */
import { deferred, type Deferred, onAbort, QuorateError } from "@quorate/core";

/** Where a message stands. */
export interface Placed {
  /** Its place in the order. */
  readonly seq: number;
}

/** Own messages under way, by number. */
export class Awaited {
  readonly #waiting = new Map<number, Deferred<Placed>>();

  /** Resolves when message `n` has its place; `ABORTED`, `unknown`, if the signal is first. */
  async place(n: number, signal: AbortSignal | undefined): Promise<Placed> {
    const placed = deferred<Placed>();
    this.#waiting.set(n, placed);
    const off = onAbort(signal, () => placed.reject(abortedLate(signal?.reason)));
    try {
      return await placed.promise;
    } finally {
      off();
      this.#waiting.delete(n);
    }
  }

  placed(n: number, seq: number): void {
    this.#waiting.get(n)?.resolve({ seq });
  }

  /** Nobody here will know any more. */
  giveUp(why: string): void {
    for (const placed of this.#waiting.values()) placed.reject(outcomeUnknown(why));
  }
}

function abortedLate(cause: unknown): QuorateError<"ABORTED"> {
  const message = "the wait was called off; the message was sent, and may still get its place";
  const details = { operation: "delivery.publish" };
  return new QuorateError("ABORTED", message, { effect: "unknown", details, cause });
}

function outcomeUnknown(why: string): QuorateError<"OUTCOME_UNKNOWN"> {
  const message = `${why}; the message was sent, and may have got its place among the others`;
  const details = { operation: "delivery.publish" };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}
