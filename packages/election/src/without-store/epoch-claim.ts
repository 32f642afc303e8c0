/**
 * The claim of an epoch: what makes of a hint a leader that can be fenced.
 *
 * While its member is elected it stands in line for one lock; when it has it, it keeps it until
 * the member is elected no more, or the lease is lost, and then claims again. The lock brings the
 * fencing token, the renewals and the notice of a loss.
 */
import {
  type ErrorCode,
  isQuorateError,
  linkedController,
  type Ms,
  onAbort,
  type Runtime,
  sleep,
} from "@quorate/core";
import type { Lock, Locks } from "@quorate/lock";

/** How to claim. */
export interface EpochSettings {
  readonly locks: Locks;
  readonly key: string;
  readonly self: string;
  readonly ttlMs: Ms;
  /** Rest after a failure of the store. */
  readonly restMs: Ms;
  readonly runtime: Runtime;
  /** An epoch came or went. */
  onChange(epoch: number | undefined): void;
  onFailure(code: ErrorCode | "UNKNOWN"): void;
}

/** One member's claim. */
export class EpochClaim {
  readonly #settings: EpochSettings;
  #claiming: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  #held: Lock | undefined;

  constructor(settings: EpochSettings) {
    this.#settings = settings;
  }

  /** The lock, if it is held at this moment. */
  get held(): Lock | undefined {
    return this.#held !== undefined && this.#held.remainingMs > 0 ? this.#held : undefined;
  }

  /** The member is elected, or is no more. */
  elected(isElected: boolean): void {
    if (isElected === (this.#claiming !== undefined)) return;
    if (!isElected) {
      this.#held = undefined; // At once: what follows from the abort comes a turn later.
      this.#claiming?.controller.abort();
      this.#claiming = undefined;
      return;
    }
    const controller = new AbortController();
    this.#claiming = { controller, done: this.#claim(controller.signal) };
  }

  /** Gives up, and gives back. */
  async close(): Promise<void> {
    const done = this.#claiming?.done;
    this.elected(false);
    await this.#settings.locks.close({ graceMs: 0 });
    await done;
  }

  /** Never rejects. */
  async #claim(signal: AbortSignal): Promise<void> {
    const { locks, key, self, ttlMs, restMs, runtime, onFailure } = this.#settings;
    while (!signal.aborted) {
      try {
        const lock = await locks.acquire(key, { ttlMs, waitMs: ttlMs, signal, label: self });
        await this.#keep(lock, signal);
      } catch (error) {
        if (signal.aborted || isQuorateError(error, "CLOSED")) return;
        if (isQuorateError(error, "LOCK_TIMEOUT")) continue;
        onFailure(isQuorateError(error) ? error.code : "UNKNOWN");
        await sleep(runtime, restMs, { signal, keepAlive: false }).catch(() => {});
      }
    }
  }

  async #keep(lock: Lock, signal: AbortSignal): Promise<void> {
    const { onChange } = this.#settings;
    if (!signal.aborted) {
      this.#held = lock;
      onChange(lock.fencingToken);
      const over = linkedController(lock.signal, signal);
      await new Promise<void>((resolve) => void onAbort(over.signal, resolve));
      over.detach();
      // By now a later claim may hold another one.
      if (this.#held === lock) this.#held = undefined;
      if (!signal.aborted) onChange(undefined);
    }
    await lock[Symbol.asyncDispose]();
  }
}
