/**
 * What a worker process under fire tells, and what it is told.
 *
 * All times are milliseconds of the machine's monotonic clock, which every process of one machine
 * shares. A worker tells a thing in the same turn in which it learnt it; what a killed worker had
 * not told is an operation whose end nobody knows.
 */

/** The three primitives that every fault is thrown at, the sides of the last apart. */
export const KINDS = ["lock", "permit", "read", "write"] as const;

/** One of them. */
export type Kind = (typeof KINDS)[number];

/** What they are kinds of. */
export const PRIMITIVES = ["lock", "semaphore", "read-write lock"] as const;

/** One of the three. */
export type Primitive = (typeof PRIMITIVES)[number];

/** Which primitive a kind belongs to. */
export const PRIMITIVE_OF: Readonly<Record<Kind, Primitive>> = {
  lock: "lock",
  permit: "semaphore",
  read: "read-write lock",
  write: "read-write lock",
};

/** Permits of the semaphore. */
export const PERMITS = 2;

/** Length of every lease in the matrix. */
export const TTL_MS = 1_000;

/** Longest wait in line. */
export const WAIT_MS = 4_000;

/** How a worker reaches its engine. */
export type Route =
  | { readonly engine: "redis"; readonly url: string }
  | { readonly engine: "redis-sentinel"; readonly ports: readonly number[]; readonly name: string }
  | { readonly engine: "redis-cluster"; readonly ports: readonly number[] }
  | { readonly engine: "nats"; readonly urls: readonly string[]; readonly replicas: 1 | 3 };

/** How an operation ended for its caller. */
export type Effect = "none" | "unknown" | "applied";

/** What a worker tells. `id` names one claim, from its asking to its end. */
export type Told =
  | { readonly type: "ready" }
  | { readonly type: "ask"; readonly id: string; readonly kind: Kind; readonly atMs: number }
  | { readonly type: "held"; readonly id: string; readonly token: number; readonly atMs: number }
  /** `check()` passed at some instant between the two. */
  | {
      readonly type: "believed";
      readonly id: string;
      readonly fromMs: number;
      readonly toMs: number;
    }
  | {
      readonly type: "refused";
      readonly id: string;
      readonly effect: Effect;
      readonly atMs: number;
    }
  | { readonly type: "writing"; readonly id: string; readonly count: number; readonly atMs: number }
  | { readonly type: "wrote"; readonly id: string; readonly count: number; readonly atMs: number }
  | { readonly type: "releasing"; readonly id: string; readonly atMs: number }
  | { readonly type: "released"; readonly id: string; readonly atMs: number }
  | { readonly type: "lost"; readonly id: string; readonly atMs: number }
  /** A bug: an unhandled rejection, or an error that is not one of ours. */
  | { readonly type: "broken"; readonly message: string };

/** What a worker is told. */
export type Order =
  | { readonly type: "stop" }
  /** Block the event loop, at once. */
  | { readonly type: "block"; readonly ms: number };

/** The environment variable that carries a worker's `Mission` as JSON. */
export const MISSION = "QUORATE_FAULT_WORKER";

/** What a worker is started with. */
export interface Mission {
  readonly name: string;
  readonly seed: number;
  readonly namespace: string;
  readonly route: Route;
}
