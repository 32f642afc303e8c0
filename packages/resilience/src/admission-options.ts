/**
 * What a server's admission is told, and what it tells.
 */
import type { Ms, Runtime } from "@quorate/core";

import type { LimitOptions } from "./limit-tracker.ts";
import type { QueueOrder } from "./queue.ts";

/** Options of `admission`. */
export interface AdmissionOptions {
  /** Most handlers at once: a number, or how to find it. @default found by `gradient`, from 20 */
  readonly limit?: number | LimitOptions;
  /** Most calls that wait. @default 200 */
  readonly queue?: number;
  /** As in `bulkhead`. @default "adaptive" */
  readonly order?: QueueOrder;
  /** A call needs this many medians of its handler's time; 0: only expired ones go. @default 1 */
  readonly margin?: number;
  /**
   * Pressure at which calls of a priority are refused. Pressure is 0 when idle, 0.5 when all places
   * are taken, 1 when the line is full too.
   * @default never for 0 and above, at 0.5 for -1 (does not wait), at 0.25 for -2, and so on
   */
  readonly shedAt?: (priority: number) => number;
  /** How long given-up work keeps its place; Infinity: until it ends. @default Infinity */
  readonly leakedGraceMs?: Ms;
  /** Its name in errors and events. @default "server" */
  readonly name?: string;
  /** Where time and chance come from. @default systemRuntime */
  readonly runtime?: Runtime;
}

/**
 * Why a call was shed: the line is `full`; it would be too `late` to end before its deadline; its
 * `priority` is too low for the present pressure; it was `displaced` from a full line by a call of
 * higher priority.
 */
export type ShedReason = "full" | "late" | "priority" | "displaced";

/** What happens at a server's admission. Channels: `quorate:admission.shed` and so on. */
export interface AdmissionEvents {
  /** A call was refused. */
  readonly shed: {
    readonly admission: string;
    /** Empty: no method of its own. */
    readonly method: string;
    readonly reason: ShedReason;
    readonly priority: number;
    readonly running: number;
    readonly queued: number;
  };
  /** The limit has moved. */
  readonly moved: { readonly admission: string; readonly limit: number; readonly before: number };
  /** A handler was given up on and runs on; `leaked` places are now held so. */
  readonly leaked: { readonly admission: string; readonly leaked: number };
  /** A leaked place came free, because its handler ended or its grace did. */
  readonly recovered: {
    readonly admission: string;
    readonly leaked: number;
    readonly by: "work" | "grace";
  };
}

/** Figures of a server's admission. */
export interface AdmissionStats {
  /** Handlers at once, now. */
  readonly limit: number;
  /** Places held now, leaked ones among them. */
  readonly running: number;
  /** Calls that wait now. */
  readonly queued: number;
  /** Places held now by handlers that were given up on. */
  readonly leaked: number;
  /** 0 idle, 0.5 all places taken, 1 the line is full too. */
  readonly pressure: number;
  /** Calls refused since the start, by reason. */
  readonly shed: Readonly<Record<ShedReason, number>>;
}
