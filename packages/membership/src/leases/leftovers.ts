/**
 * Leases of one member that it wants no more, until the store has said that they are gone.
 *
 * The lease before the present one; one that was lost by the member's own clock and that a late
 * renewal may have kept alive; a claim without an answer. Each is given back, tried again while it
 * fails, and forgotten when its TTL has surely ended it.
 */
import { type Backend, isQuorateError, type Ms, sleep } from "@quorate/core";
import { backoffMs } from "./backoff.ts";

const LONGEST_TRY_MS = 1_000;

/** Leases that are to go. */
export class Leftovers {
  readonly #backend: Pick<Backend, "leases" | "runtime">;
  readonly #name: string;
  readonly #ttlMs: Ms;
  readonly #timeoutMs: Ms;
  readonly #untilMs = new Map<string, Ms>();
  readonly #released = new Set<string>();

  /** `ttlMs`: of each of them. `timeoutMs`: of one try that must not hold up a renewal. */
  constructor(
    backend: Pick<Backend, "leases" | "runtime">,
    bounds: { readonly name: string; readonly ttlMs: Ms; readonly timeoutMs: Ms },
  ) {
    this.#backend = backend;
    this.#name = bounds.name;
    this.#ttlMs = bounds.ttlMs;
    this.#timeoutMs = Math.min(bounds.timeoutMs, LONGEST_TRY_MS);
  }

  /** `owner`'s lease may have been granted or renewed just now, and shall go. */
  add(owner: string): void {
    this.#untilMs.set(owner, this.#backend.runtime.time.monotonicMs() + this.#ttlMs);
  }

  /** Whether `owner`'s lease is one that is to go. */
  has(owner: string): boolean {
    return this.#untilMs.has(owner);
  }

  /** Asks once for each, up to the first that fails. Never rejects: answers what failed. */
  async releaseOnce(signal: AbortSignal | undefined): Promise<unknown> {
    this.#forget();
    for (const owner of [...this.#untilMs.keys()]) {
      try {
        await this.#ask(owner, signal);
        this.#untilMs.delete(owner);
      } catch (error) {
        return error;
      }
    }
    return undefined;
  }

  /**
   * Asks until each is gone, or has ended by itself. Answers whether the store said of `owner` that
   * it was given back. Rejects with the signal's reason.
   */
  async releaseAll(owner: string | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const { runtime } = this.#backend;
    for (let failures = 1; ; failures++) {
      const failure = await this.releaseOnce(signal);
      signal?.throwIfAborted();
      const isHopeless = isQuorateError(failure) && !failure.retryable;
      if (failure === undefined || this.#untilMs.size === 0 || isHopeless) break;
      const nextEndMs = Math.min(...this.#untilMs.values()) - runtime.time.monotonicMs();
      const pauseMs = Math.min(backoffMs(failures, runtime.random), Math.max(0, nextEndMs));
      await sleep(runtime, pauseMs, { signal });
    }
    return owner !== undefined && this.#released.has(owner);
  }

  async #ask(owner: string, signal: AbortSignal | undefined): Promise<void> {
    const options = { timeoutMs: this.#timeoutMs, signal };
    const answer = await this.#backend.leases.release({ name: this.#name, owner }, options);
    if (answer === "released") this.#released.add(owner);
  }

  #forget(): void {
    const nowMs = this.#backend.runtime.time.monotonicMs();
    for (const [owner, untilMs] of this.#untilMs) {
      if (untilMs <= nowMs) this.#untilMs.delete(owner);
    }
  }
}
