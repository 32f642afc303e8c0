/**
 * backend: one engine behind the waist, and what it promises.
 *
 * A new engine is one folder that implements this and passes the conformance suite, and gets every
 * primitive. The capabilities say what the suite may demand and what documentation may promise.
 */
import type { MessageBus } from "./bus.ts";
import type { Ms } from "./common.ts";
import type { KvStore } from "./kv.ts";
import type { LeaseStore } from "./leases.ts";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * How far mutual exclusion can be trusted.
 *
 * - `fenced`: a linearizable store, and the token checked at the resource. Holds whatever pauses.
 * - `lease`: holds while pauses and clock drift stay within the lease's margin.
 * - `best-effort`: an asynchronous failover may forget a grant; two holders are then possible.
 */
export type SafetyLevel = "fenced" | "lease" | "best-effort";

/** What an engine, as configured, promises. */
export interface Capabilities {
  /** `leader`: linearizable except while a deposed leader still answers. */
  readonly reads: "linearizable" | "leader";
  /** What an acknowledged write survives: loss of a minority, or of nothing, or not a failover. */
  readonly writes: "quorum" | "single" | "async-replicas";
  /** `clock`: revisions of one key grow across a lost store as long as clocks are not set back. */
  readonly revisions: "store" | "clock";
  /** Who judges that a TTL has passed: the server, or those who look, on their own clocks. */
  readonly expiry: "server" | "observer";
  /** The shortest TTL accepted. */
  readonly minTtlMs: Ms;
  /** How much later than its TTL something may still seem alive. */
  readonly expiryLagMs: Ms;
  /** The longest value accepted, in bytes. */
  readonly maxValueBytes: number;
  /** What a lease of this engine is worth by itself, without a guard. */
  readonly leaseSafety: "lease" | "best-effort";
}

/** How the link to the engine is. */
export interface Health {
  readonly ok: boolean;
  /** One round trip; absent where none succeeded. */
  readonly roundTripMs?: Ms;
  /** What runs there, as `redis 7.0.15`. */
  readonly server?: string;
  /** What is wrong or risky, each with its cure. */
  readonly warnings: readonly string[];
}

/** How to close. */
export interface CloseOptions {
  /** How long to wait for calls in flight; then they reject. @default 1000 */
  readonly graceMs?: Ms;
}

/** An engine: what `createLocks` and every other primitive are built on. */
export interface Backend extends AsyncDisposable {
  /** `memory`, `redis` or `nats`; for messages and events. */
  readonly name: string;
  readonly kv: KvStore;
  readonly leases: LeaseStore;
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  /**
   * Known when the backend was first used; until then, what the options promise. `ready()` makes
   * them certain.
   */
  readonly capabilities: Capabilities;
  /** Checks that the server can serve us: version, rights, settings. Called by the first use. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Asks the server how it is. Never throws for a server that is down: that is an answer. */
  health(options?: { readonly signal?: AbortSignal; readonly timeoutMs?: Ms }): Promise<Health>;
  /**
   * Ends watches, waits and subscriptions, refuses new calls with `CLOSED`, settles those in
   * flight, and leaves the user's own client open. Twice is fine. Leases held stay until their
   * TTL: releasing them is their holders' business.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** Options that every engine takes. */
export interface BackendOptions {
  /** Keeps users of one server apart; nothing reaches outside it. @default "quorate" */
  readonly namespace?: string;
  /** Time, chance, ids and events. @default systemRuntime */
  readonly runtime?: Runtime;
  /** Deadline of a call that has none of its own. @default 5000 */
  readonly requestTimeoutMs?: Ms;
}
