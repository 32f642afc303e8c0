/**
 * The link: how one process reaches the store, as its kv, leases and bus see it.
 *
 * Two kinds: a direct one, which runs each exchange in the caller's turn until a fault switch says
 * otherwise, and a wired one, whose messages somebody else carries. What is lost in between makes a
 * write's outcome unknown, and a read's merely unavailable: the same rule of truth in both.
 */
import type { Resolve } from "@quorate/core";
import type { Store } from "../store/memory-store.ts";
import type { Begin, Session } from "../store/session.ts";
import { NoAnswer } from "../store/trouble.ts";
import type { MemoryFaults } from "./faults.ts";

/** One question to the store. */
export interface Exchange<T> {
  /** For errors: `kv.put`. */
  readonly operation: string;
  /** The key or name, for errors. */
  readonly key?: string;
  readonly kind: "read" | "write";
  /** About messages, not data: a store in trouble with its data answers all the same. */
  readonly isBus?: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Runs at the store. Throws a `QuorateError` to answer with one. */
  readonly run: (session: Session) => T;
  /** Settles the outcome should it be unknown. */
  readonly resolve?: Resolve;
}

/** What a link tells those who depend on it. */
export interface LinkListener {
  /** The connection is gone; what the store knew of this process is gone with it. */
  down(sinceMs: number): void;
  /** There is a connection again. */
  up(): void;
  /** Nothing has been heard since `sinceMs`; there is a connection all the same. */
  silent?(sinceMs: number): void;
  /** After a silence: the server is heard again, nothing was lost, and all has arrived. */
  heard?(): void;
}

/** One process's connection. */
export interface Link {
  readonly listeners: Set<LinkListener>;
  readonly faults: MemoryFaults;
  readonly isUp: boolean;
  /**
   * Whether an exchange would run in the caller's turn and be answered in it: nothing can become of
   * it on the way, so neither a deadline nor a note of its outcome is needed.
   */
  readonly isCalm: boolean;
  /** Since when it is down, on the process's clock; absent: the first is still being made. */
  readonly downSinceMs: number | undefined;
  /** Asks the store. Settles within its deadline, whatever happens. */
  call<T>(exchange: Exchange<T>): Promise<T>;
  /**
   * Has the store begin something that lasts until the answer is called, or the connection is lost.
   * Without a connection nothing begins: a listener asks again when it is told `up`.
   */
  attach(begin: Begin): () => void;
  /** No more: the backend was closed. */
  close(): void;
}

/** What became of a question at the store. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Runs an exchange at a store, as its trouble lets it. `undefined`: it is left unanswered. */
export function attempt<T>(
  exchange: Exchange<T>,
  session: Session,
  store: Store,
): Outcome<T> | undefined {
  const { kind, operation, isBus } = exchange;
  try {
    if (store.isWell || isBus === true) return { value: exchange.run(session) };
    return { value: store.serve(kind, operation, () => exchange.run(session)) };
  } catch (error) {
    return error instanceof NoAnswer ? undefined : { error };
  }
}
