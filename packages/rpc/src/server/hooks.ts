/**
 * What a server is completed by: keys, streams, and the watch over clients that die.
 *
 * Seams inside this package. A server without them serves unary methods that are safe or unsafe.
 */
import type { Backend, Message } from "@quorate/core";
import type { Contract } from "../contract-types.ts";
import type { Method } from "../contract.ts";
import type { WireAnswer, WireFailure } from "../wire/answer.ts";
import type { WireRequest } from "../wire/request.ts";
import type { ClientLife, Clients } from "./clients.ts";
import type { Incoming } from "./incoming.ts";
import type { KeyedRun } from "./keyed-run.ts";

/** What hooks are made of. */
export interface HookParts {
  readonly backend: Backend;
  readonly contract: Contract;
  /** This instance's name. */
  readonly instance: string;
  readonly clients: Clients;
}

/** Runs the handlers of keyed methods once per key. */
export interface KeyedRuns {
  /**
   * The answer of `call`'s key: by `work`, or by whoever was first. `input` is what the schema
   * made. `work` resolves to the output as its schema made it.
   */
  run(call: Incoming, input: unknown, work: (run: KeyedRun) => Promise<unknown>): Promise<unknown>;
  close(graceMs: number): Promise<void>;
}

/** Runs the handlers of streams. */
export interface StreamHost {
  /** Streams that run. */
  readonly running: number;
  /** Words that belong to no stream here. */
  readonly strayWords: number;
  /** Why no stream can begin now; `undefined`: one can. Asked before the handler is called. */
  refusal(): WireAnswer | undefined;
  /**
   * Sends what `items` yields, which may be a promise of it; resolves when the stream has ended,
   * to nothing where it came to its end, else to what its caller was told, or would have been.
   * `answer` tells the caller that it was accepted, or that it was not. Must not reject.
   */
  run(
    call: Incoming,
    items: unknown,
    answer: (answer: WireAnswer) => void,
  ): Promise<WireFailure | undefined>;
  /** A message to this instance that is no request. */
  onControl(message: Message): void;
  /** No further streams; those that run come to their end, or are ended now, by the option. */
  drain(): void;
  /** Ends what runs; generators have `graceMs` for their `finally`. */
  close(graceMs: number): Promise<void>;
}

/** Ends the calls of clients that have died. */
export interface OrphanWatch {
  /** Every request, as it is among the life's calls and before it runs: must be cheap. */
  onRequest(life: ClientLife, request: WireRequest): void;
  close(): Promise<void>;
}

/** All of them. */
export interface Hooks {
  readonly keyed: KeyedRuns | undefined;
  readonly streams: StreamHost | undefined;
  readonly orphans: OrphanWatch | undefined;
}

/** A handler, whatever its types. */
export type AnyHandler = (input: unknown, call: Incoming) => unknown;

/** A method and its handler. */
export interface Handled {
  readonly method: Method;
  readonly handler: AnyHandler;
}
