/**
 * The claims of one process that stand in line, and how the store's ring finds them.
 */
import type { Holder } from "../store/lease-line.ts";
import type { Session } from "../store/session.ts";
import type { Doorbell } from "../store/space.ts";
import type { LinkListener } from "./link.ts";

/** One who waits. */
export interface LeaseWait {
  granted(holder: Holder): void;
  /** The line may have forgotten us: ask again. */
  again(): void;
}

/** Waiting claims by name and owner. */
export class LeaseWaits implements LinkListener {
  /** Sets, because two calls with one owner are one claim. */
  readonly #waits = new Map<string, Set<LeaseWait>>();

  /** Adds a waiter; returns the way to take it off. */
  add(name: string, owner: string, wait: LeaseWait): () => void {
    const id = idOf(name, owner);
    const waits = this.#waits.get(id) ?? new Set();
    this.#waits.set(id, waits.add(wait));
    return () => {
      waits.delete(wait);
      if (waits.size === 0 && this.#waits.get(id) === waits) this.#waits.delete(id);
    };
  }

  /** What the store rings for these waiters, on one connection. */
  bellOn(session: Session): Doorbell {
    return {
      granted: (name, holder) => session.push(() => this.#ring(name, holder)),
      forgotten: () => session.push(() => this.up()),
    };
  }

  /** Nothing can be asked now; the waits go on. */
  down(): void {}

  up(): void {
    for (const waits of this.#waits.values()) for (const wait of waits) wait.again();
  }

  #ring(name: string, holder: Holder): void {
    for (const wait of this.#waits.get(idOf(name, holder.owner)) ?? []) wait.granted(holder);
  }
}

/** Names have no control characters, so the pair is one string without doubt. */
function idOf(name: string, owner: string): string {
  return `${name}\0${owner}`;
}
