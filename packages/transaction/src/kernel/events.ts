/**
 * What workers tell the world: events on `runtime.events`, by default `node:diagnostics_channel`.
 *
 * Ids, names and numbers only, never an input or an output. An event that nobody subscribes to
 * costs one property read.
 */
import {
  type ErrorCode,
  type EventChannel,
  type Events,
  isQuorateError,
  type Ms,
} from "@quorate/core";
import type { FencingToken } from "@quorate/core";

/** `quorate:transaction.worker`: a worker's lease. */
export interface WorkerEvent {
  readonly owner: string;
  readonly kind: "granted" | "lost" | "released" | "refused";
  readonly code?: ErrorCode | "UNKNOWN";
}

/** `quorate:transaction.takeover`: an orphan was taken, or another worker was faster. */
export interface TakeoverEvent {
  readonly collection: string;
  readonly id: string;
  /** Whose it was; empty: nobody's. */
  readonly from: string;
  readonly owner: string;
  readonly fencingToken: FencingToken;
  readonly takeovers: number;
  /** False: the write was wasted, as somebody else wrote before. */
  readonly won: boolean;
}

/** `quorate:transaction.scan`: one look at all records of a collection. */
export interface ScanEvent {
  readonly collection: string;
  readonly records: number;
  readonly orphans: number;
  /** Open instances that this process has no definition for: left for a worker that has. */
  readonly unclaimed: number;
  readonly tookMs: Ms;
}

/** `quorate:transaction.trouble`: something failed that goes on by itself. */
export interface TroubleEvent {
  readonly collection: string;
  /** Empty: it concerns no single instance. */
  readonly id: string;
  readonly doing: "drive" | "scan" | "watch" | "take" | "read" | "let-go" | "reset";
  readonly code: ErrorCode | "UNKNOWN";
  readonly message: string;
}

/** The channels of a worker, looked up once. */
export interface KernelEvents {
  readonly worker: EventChannel<WorkerEvent>;
  readonly takeover: EventChannel<TakeoverEvent>;
  readonly scan: EventChannel<ScanEvent>;
  readonly trouble: EventChannel<TroubleEvent>;
}

/** Looks up the channels. */
export function kernelEvents(events: Events): KernelEvents {
  return {
    worker: events.channel("transaction.worker"),
    takeover: events.channel("transaction.takeover"),
    scan: events.channel("transaction.scan"),
    trouble: events.channel("transaction.trouble"),
  };
}

/** The code of an error, for events. */
export function codeOf(error: unknown): ErrorCode | "UNKNOWN" {
  return isQuorateError(error) ? error.code : "UNKNOWN";
}

/** Tells that something failed. */
export function publishTrouble(
  events: KernelEvents,
  subject: Pick<TroubleEvent, "collection" | "id" | "doing">,
  error: unknown,
): void {
  if (!events.trouble.hasSubscribers) return;
  // Messages of foreign errors may carry what the work was given.
  const message = isQuorateError(error) ? error.message : "an error that is not Quorate's";
  const { collection, id, doing } = subject;
  events.trouble.publish({ collection, id, doing, code: codeOf(error), message });
}
