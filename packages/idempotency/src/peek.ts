/**
 * Looking at a key, and forgetting it.
 */
import type { FencingToken, Json, Ms } from "@quorate/core";

/** What every state of a key has. */
export interface KeyFacts {
  readonly key: string;
  readonly scope: string | undefined;
  /** Of the last run. */
  readonly fencingToken: FencingToken;
  /** Runs begun so far. */
  readonly attempt: number;
  /** Until the record is gone. */
  readonly expiresInMs: Ms;
}

/** What is known of a key. */
export type KeyState = KeyFacts &
  (
    | { readonly state: "in-flight"; readonly leaseLeftMs: Ms }
    /** A run ended without an answer (crashed, paused, released); the next call takes over. */
    | { readonly state: "lapsed" }
    | { readonly state: "completed"; readonly value: unknown; readonly completedAtMs: Ms }
    | {
        readonly state: "refused";
        readonly reason: string;
        readonly data?: Json;
        readonly completedAtMs: Ms;
      }
    | { readonly state: "failed"; readonly error: Error; readonly completedAtMs: Ms }
  );

/** Options of `forget`. */
export interface ForgetOptions {
  /** Whose key it is. @default none */
  readonly scope?: string | undefined;
  /** Who says so, for the audit: 1 to 256 bytes. */
  readonly by: string;
  /** Why, for the audit: 1 to 1024 bytes. */
  readonly why: string;
  /** Also where a run is under way: its answer will not count. @default false */
  readonly evenIfRunning?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What `forget` removed; `undefined`: there was nothing. */
export type Forgotten = KeyState | undefined;
