/**
 * What the link is asked, and what it answers.
 */
import type { Resolve } from "@quorate/core";
import type { ScriptArgument } from "./client.ts";
import type { Script } from "./scripts.ts";

/** One script to run. */
export interface Request {
  readonly operation: string;
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly ScriptArgument[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Values come back as `Buffer` instead of `string`. @default false */
  readonly buffers?: boolean;
  /** A read has no effect to be in doubt about. @default false */
  readonly read?: boolean;
  /** Asked by the check of the server itself. @default false */
  readonly unchecked?: boolean;
  /** Not to be sent a second time by us: it has no way to recognise itself. @default false */
  readonly once?: boolean;
  /** The key or name, for errors. */
  readonly key?: string | undefined;
  /** Settles an unknown outcome. */
  readonly resolve?: Resolve | undefined;
}

/** What came back. */
export interface Answer {
  readonly value: unknown;
  /** The connection was the same from send to answer: a "no" may be believed. */
  readonly steady: boolean;
  /** When the request first left, on the monotonic clock. */
  readonly sentMs: number;
}
