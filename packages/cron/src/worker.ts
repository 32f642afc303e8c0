/**
 * The worker lease: one per process, for all of its runs.
 *
 * A run's record names its owner, and the owner's lease stands for the run: while it is renewed
 * the process lives, and when it has ended its runs are anybody's. So a thousand runs cost one
 * renewal, and idle processes hold none. A lease that was lost does not come back: the process gets
 * another under a new name, and what it ran under the old one has been lost.
 *
 * The lease decides when to suspect, never who may write: that is the compare-and-set on the
 * record.
 */
import { type Backend, type Ms } from "@quorate/core";
import { createLocks, type Lock, type Locks } from "@quorate/lock";

/** A lease in hand. */
export interface Tenure {
  /** Its name in records. */
  readonly owner: string;
  readonly lock: Lock;
}

/** Where the leases of a collection lie. */
export function workerKey(owner: string): string {
  return `worker/${owner}`;
}

/** The lease of this process. */
export class Worker {
  readonly locks: Locks;
  readonly #backend: Backend;
  readonly #label: string;
  #tenure: Tenure | undefined;
  #asking: Promise<Tenure> | undefined;

  constructor(backend: Backend, options: { collection: string; leaseMs: Ms; label: string }) {
    this.#backend = backend;
    this.#label = options.label;
    const { collection: prefix, leaseMs: ttlMs } = options;
    this.locks = createLocks(backend, { prefix, ttlMs, waitMs: 0 });
  }

  /** The lease, if it is held now. */
  get tenure(): Tenure | undefined {
    const tenure = this.#tenure;
    return tenure !== undefined && tenure.lock.remainingMs > 0 ? tenure : undefined;
  }

  /** The lease, acquired if need be. Rejects with the store's error. */
  async hold(): Promise<Tenure> {
    const { tenure } = this;
    if (tenure !== undefined) return tenure;
    this.#asking ??= this.#acquire().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #acquire(): Promise<Tenure> {
    const owner = this.#backend.runtime.ids.unique();
    const lock = await this.locks.acquire(workerKey(owner), { label: this.#label });
    this.#tenure = { owner, lock };
    return this.#tenure;
  }
}
