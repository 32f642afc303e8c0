/**
 * What a relay drives: a place where messages lie in order, in partitions.
 *
 * A source hands out jobs. A job is a lane's messages, oldest first; a lane is given to one worker
 * at a time, so two messages of one key are never on their way at once. What became of them is
 * settled in one write, which holds only for messages that are still there.
 */
import type { FencingToken, Ms, Runtime } from "@quorate/core";

import type { OutboxEvents } from "./events.ts";
import type { DeadLetter, OutboxMessage, StoredMessage } from "./message.ts";

/** What became of the messages of a job. Those that are in none of the lists stay as they are. */
export interface Outcome {
  /** Ids of messages that their target has taken. */
  readonly delivered: readonly string[];
  /** Deliveries that failed and will be tried again. */
  readonly failed: readonly { readonly id: string; readonly attempts: number }[];
  /** Given up. */
  readonly dead: readonly Pick<DeadLetter, "id" | "attempts" | "problem">[];
}

/** Work for one worker: the oldest messages of a lane. */
export interface Job {
  readonly lane: string;
  /** In order. Messages of one key are never in two jobs at once. */
  readonly messages: readonly StoredMessage[];
  /** Writes what became of them. Safe to repeat. @throws the store's error */
  settle(outcome: Outcome): Promise<void>;
  /** Gives the lane back. */
  done(left: Left): void;
}

/** What is left of a lane: nothing that is known of, more now, or something after a rest. */
export type Left = "nothing" | "more" | { readonly restMs: Ms };

/** How far behind a partition is. */
export interface Backlog {
  /** Messages or records that wait, as far as they were counted. */
  readonly pending: number;
  /** When the oldest of them was stored, by wall clock; `undefined`: none waits. */
  readonly oldestAtMs: Ms | undefined;
}

/** One partition, opened by the relay that holds its lease. */
export interface Shelf {
  /** The next job, when there is one; `undefined` after `close`. */
  next(): Promise<Job | undefined>;
  /** A hint that there may be something new. */
  wake(): void;
  /** What waits to be sent. */
  backlog(): Promise<Backlog>;
  /** No more jobs. Those that were handed out may still be settled. */
  close(): void;
}

/** What a shelf works with. */
export interface ShelfContext {
  readonly partition: number;
  readonly partitions: number;
  readonly runtime: Runtime;
  readonly events: OutboxEvents;
  readonly fencingToken: FencingToken;
  /** Most messages that are delivered before they are settled. */
  readonly batch: number;
  /** Aborts when the lease is lost or the relay has closed. */
  readonly signal: AbortSignal;
}

/** Who drops a dead letter, and why: kept in the event. */
export interface DropReason {
  readonly by: string;
  readonly why: string;
}

/** An outbox, as relays and operators see it. */
export interface OutboxSource {
  /** Names its leases and events. */
  readonly name: string;
  /** Partitions that its stored data is cut into; `undefined`: as the relay likes. */
  readonly partitions: number | undefined;
  /** Called once by a relay before anything else. */
  ready(): Promise<void>;
  /** Opens it for a relay. */
  open(context: ShelfContext): Shelf;
  /** Messages that wait, page by page. */
  pending(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<OutboxMessage>;
  /** Messages that were given up. */
  deadLetters(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<DeadLetter>;
  /** Puts a dead letter back at the end of its key, attempts at 0; false: there is none. */
  redrive(id: string): Promise<boolean>;
  /** Removes a dead letter for good; false: there is none. */
  drop(id: string, reason: DropReason): Promise<boolean>;
}
