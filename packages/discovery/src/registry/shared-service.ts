/**
 * One watch of one service, shared by all views of it in this process.
 *
 * It wakes by itself only for what time alone changes: an instance lost long enough, a list grown
 * too old. While the link to the store is down nothing is told but that; when it is whole again
 * the views hear of all that happened meanwhile at once, so that a list half told is never used.
 */
import type { Backend, Ms, Timer } from "@quorate/core";
import { createLeaseMembership, type LeaseMembership } from "@quorate/membership";

import type { RegistryEvents } from "./events.ts";
import { Instances, type Instant } from "./instances.ts";
import type { CheckedRegistryOptions } from "./options.ts";

/** What a service's views are made of. */
export interface SharedParts {
  readonly backend: Backend;
  readonly service: string;
  readonly options: CheckedRegistryOptions;
  readonly events: RegistryEvents;
  /** Nobody looks any more. */
  readonly onIdle: () => void;
}

/** One service, watched. */
export class SharedService {
  readonly parts: SharedParts;
  readonly instances: Instances;
  readonly #group: LeaseMembership;
  readonly #views = new Set<() => void>();
  #timer: Timer | undefined;
  #isDropped = false;

  constructor(parts: SharedParts) {
    const { backend, service, options } = parts;
    this.parts = parts;
    this.instances = new Instances(options.panicMaxMs);
    this.#group = createLeaseMembership(backend, { group: groupOf(service) });
    void this.#follow();
  }

  /** Calls `changed` after each change, until the result is called. The last one out ends it. */
  join(changed: () => void): () => void {
    this.#views.add(changed);
    return () => {
      if (!this.#views.delete(changed) || this.#views.size > 0) return;
      this.#timer?.cancel();
      this.parts.onIdle();
      void this.#group.close();
    };
  }

  /** The last known list is too old to be of use. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** Now, on the monotonic clock. */
  get nowMs(): Ms {
    return this.parts.backend.runtime.time.monotonicMs();
  }

  async #follow(): Promise<void> {
    const { service, events } = this.parts;
    for await (const event of this.#group.watch()) {
      const wasStale = this.instances.isStale;
      const step = this.instances.take(event, this.#now());
      if (step.kind === "invalid") {
        events.recordInvalid.publish({ service, id: step.id, reason: step.reason });
      }
      const isHalfTold = wasStale && this.instances.isStale;
      if (step.kind !== "same" && !isHalfTold) this.#tell();
    }
  }

  #tell(): void {
    this.instances.forget(this.nowMs);
    if (!this.instances.isStale) this.#isDropped = false;
    for (const changed of [...this.#views]) changed();
    this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    const nextMs = Math.min(this.instances.nextForgottenMs, this.#dropMs);
    if (nextMs === Infinity || this.#views.size === 0) return;
    const delayMs = Math.max(0, nextMs - this.nowMs);
    const { time } = this.parts.backend.runtime;
    this.#timer = time.setTimer(delayMs, () => this.#look(), { keepAlive: false });
  }

  /** When the last known list will be too old. */
  get #dropMs(): Ms {
    const { staleSinceMs } = this.instances;
    if (staleSinceMs === undefined || this.#isDropped) return Infinity;
    return staleSinceMs + this.parts.options.maxStaleMs;
  }

  #look(): void {
    const { service, events, options } = this.parts;
    if (this.nowMs >= this.#dropMs) {
      this.#isDropped = true;
      events.listDropped.publish({ service, afterMs: options.maxStaleMs });
    }
    this.#tell();
  }

  #now(): Instant {
    const { time } = this.parts.backend.runtime;
    return { monotonicMs: time.monotonicMs(), wallMs: time.wallMs() };
  }
}

/** The group of a service's instances. */
export function groupOf(service: string): string {
  return `service/${service}`;
}
