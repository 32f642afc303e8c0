/**
 * What a handler is told of the run that it is, and where it finds it.
 *
 * Handed over as an argument where there is room for one; where there is not (Express, Fastify,
 * Hono), `idempotencyOf(request)` has it. Kept beside the request, not on it: no property that a
 * framework, a logger or another copy of the package could stumble over.
 */
import type { FencingToken } from "@quorate/core";

/** The run of a protected handler. */
export interface IdempotencyContext {
  /** The key, as the client wrote it. Two clients may have the same. */
  readonly clientKey: string;
  /**
   * Unique among all scopes and routes, the same in every attempt: pass it on to services that
   * take idempotency keys. 48 characters or so of `[0-9A-Za-z_-]`.
   */
  readonly key: string;
  /** Grows with every run of the key. Let the resource refuse smaller ones: see docs/fencing.md. */
  readonly fencingToken: FencingToken;
  /** An earlier run ended without an answer that was kept: it may have had effects. */
  readonly takeover: boolean;
  /** 1 for the first run of the key. */
  readonly attempt: number;
  /** Aborts when the lease is lost: another run may begin. Not when the client leaves. */
  readonly signal: AbortSignal;
}

const contexts = new WeakMap<object, IdempotencyContext>();

/**
 * The run that `request` is: Express's `req`, Fastify's `request`, Hono's `c`. `undefined` where
 * it is not protected: another method, no key, or the store is down and `failOpen` was asked for.
 */
export function idempotencyOf(request: object): IdempotencyContext | undefined {
  return contexts.get(request);
}

/** Lets `idempotencyOf` find it. */
export function rememberContext(request: object, context: IdempotencyContext): void {
  contexts.set(request, context);
}
