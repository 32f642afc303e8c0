/**
 * A process that gives its connection up now and then and makes a new one, while what it had sent
 * on the old one is still under way: it arrives after what is sent next, as what is left in a dead
 * socket's buffer does.
 */
import type { Backend } from "@quorate/core";
import { memoryBackend, type Wire, type WireEnd } from "@quorate/memory";
import type { SimProcess, SimStore, World } from "@quorate/simulator";

/** Average time between two connections. */
const EVERY_MS = 1_500;

/** A wire that can be left for another one. */
class LeavingWire implements Wire {
  readonly #next: () => Wire;
  readonly #listeners = new Set<(end: WireEnd) => void>();
  #wire: Wire;

  constructor(next: () => Wire) {
    this.#next = next;
    this.#wire = next();
  }

  toStore(deliver: () => void, label?: string): void {
    this.#wire.toStore(deliver, label);
  }

  toProcess(deliver: () => void, label?: string): void {
    this.#wire.toProcess(deliver, label);
  }

  onReset(listener: (end: WireEnd) => void): void {
    this.#listeners.add(listener);
    this.#wire.onReset(listener);
  }

  leave(): void {
    this.#wire = this.#next();
    for (const listener of this.#listeners) this.#wire.onReset(listener);
    for (const listener of this.#listeners) listener("process");
  }
}

/** A backend of the memory engine, whose stragglers come late. */
export function stragglingBackend(
  sim: World,
  store: SimStore,
  process: SimProcess,
  requestTimeoutMs: number,
): Backend {
  const wire = new LeavingWire(() => sim.kernel.network.wire(process.node, store.node));
  const { runtime, name } = process;
  const leaveLater = async (): Promise<void> => {
    for (;;) {
      await process.sleep(2 * EVERY_MS * runtime.random.next());
      wire.leave();
    }
  };
  void leaveLater();
  return memoryBackend({ store: store.server, runtime, process: name, wire, requestTimeoutMs });
}
