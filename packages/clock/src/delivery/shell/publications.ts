/**
 * A member's own publications in a total order: they wait for room, are sent, and wait for their
 * place. Both total orders do it alike.
 *
 * Each ends in one of three ways: it has its place (and was delivered here), it was not sent, or
 * nobody here knows: then it may still get its place, at members who go on without us.
 */
import { deferred, type Deferred, type Lifecycle, onAbort, QuorateError } from "@quorate/core";
import type { PublishWait } from "./broadcast.ts";

/** Where a message stands. */
export interface Placed {
  /** Its place in the order. */
  readonly seq: number;
}

/** What publications need of their station. */
interface Desk {
  readonly lifecycle: Lifecycle;
  readonly outlet: { readonly isFlowing: boolean };
  checkData(data: Uint8Array): Uint8Array;
  untilRoom(hasRoom: () => boolean, signal: AbortSignal | undefined): Promise<void>;
}

/** What publications are made of. */
export interface PublicationsOptions {
  readonly desk: Desk;
  /** For errors: "the total order". */
  readonly what: string;
  /** Own messages under way at most. */
  readonly limit: number;
  /** Own messages under way. */
  readonly pending: () => number;
  /** Hands a message to the machine, which tells its number by `submitted`. */
  readonly send: (data: Uint8Array) => void;
}

/** Own messages under way, by number. */
export class Publications {
  readonly #options: PublicationsOptions;
  readonly #waiting = new Map<number, Deferred<Placed>>();
  #submitted = 0;
  /** Why nothing more will be delivered here. */
  #over: string | undefined;

  constructor(options: PublicationsOptions) {
    this.#options = options;
  }

  /** Whether nothing more will be delivered here. */
  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** Sends `data` when there is room; resolves when it has its place. */
  async publish(data: Uint8Array, { signal }: PublishWait): Promise<Placed> {
    const { desk, limit, pending, send } = this.#options;
    const checked = desk.checkData(data);
    this.assertIn();
    const hasRoom = (): boolean => pending() < limit && desk.outlet.isFlowing;
    const isReady = (): boolean => this.isOver || hasRoom();
    do await desk.untilRoom(isReady, signal);
    while (!isReady());
    this.assertIn();
    // Its number is known before it can have its place: a lone member delivers within the step.
    const placed = this.#place(this.#submitted + 1, signal);
    send(checked);
    return placed;
  }

  /** @throws CLOSED the group was closed, or goes on without us. */
  assertIn(): void {
    this.#options.desk.lifecycle.assertOpen();
    if (this.#over === undefined) return;
    const message = `${this.#over}; open the group again as a new member`;
    const details = { what: this.#options.what };
    throw new QuorateError("CLOSED", message, { effect: "none", details });
  }

  /** Message `n` is under way. */
  submitted(n: number): void {
    this.#submitted = n;
  }

  /** Nothing more will be delivered here, because of `over`; those who wait are told `why`. */
  end(over: string, why: string = over): void {
    this.#over = over;
    this.giveUp(why);
  }

  /** Message `n` has its place. */
  placed(n: number, seq: number): void {
    this.#waiting.get(n)?.resolve({ seq });
  }

  /** Nobody here will know any more. */
  giveUp(why: string): void {
    for (const placed of this.#waiting.values()) placed.reject(outcomeUnknown(why));
  }

  /** Resolves when message `n` has its place; `ABORTED`, `unknown`, if the signal is first. */
  async #place(n: number, signal: AbortSignal | undefined): Promise<Placed> {
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
