/**
 * What a waiter needs of the store around it.
 */
import type { CheckedLease, Runtime } from "@quorate/core";
import type { ServerClock } from "../server-clock.ts";
import type { Confirmations } from "./confirmations.ts";
import type { LeaseAnswer } from "./lease-batch.ts";

/** The lease store, seen from inside. */
export interface LeaseDesk {
  readonly runtime: Runtime;
  /** Of the server, for errors. */
  readonly address: string;
  readonly confirmations: Confirmations;
  /** Aborts when the backend closes. */
  readonly stopping: AbortSignal;
  /** The clock by which a claim is judged. */
  clockOf(request: CheckedLease): ServerClock;
  /** Claims, standing in line if `queue`. */
  claim(request: CheckedLease, queue: boolean): Promise<LeaseAnswer>;
  /** Gives back whatever the claim has: its grant, or its place in line. */
  leave(request: CheckedLease, fencingToken?: number): Promise<LeaseAnswer>;
  /** Waits for `work` to settle, but not long. */
  soon(work: Promise<unknown>): Promise<void>;
}
