/** Processes on one memory store, each with its own link, in scripted time. */
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";

import { bytesOf, textOf } from "../network.fixture.ts";

/** A few processes, called by letters. */
export class Processes {
  readonly runtime: ScriptedRuntime = new ScriptedRuntime();
  readonly #store = createMemoryStore({ runtime: this.runtime });
  readonly #backends = new Map<string, MemoryBackend>();

  /** The process's backend, made on first use. */
  of(process: string): MemoryBackend {
    const known = this.#backends.get(process);
    if (known !== undefined) return known;
    const { runtime } = this;
    const backend = memoryBackend({ store: this.#store, runtime, process });
    this.#backends.set(process, backend);
    return backend;
  }

  /** Settles what needs time to pass. */
  async settle<T>(promise: Promise<T>, ms = 10): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    promise.then(over, over);
    for (let step = 0; step < 1_000 && !isOver; step++) await this.runtime.advance(ms);
    return promise;
  }

  /** Events of one kind that anybody has told. */
  told(kind: string): object[] {
    return this.runtime.recorded
      .filter(({ name }) => name === "delivery")
      .map(({ event }) => event)
      .filter((event) => (event as { readonly kind: string }).kind === kind);
  }
}

/** A handler that keeps what it is given as text. */
export function listener(): {
  readonly heard: string[];
  readonly handler: (delivery: { readonly data: Uint8Array }) => void;
} {
  const heard: string[] = [];
  return { heard, handler: ({ data }) => void heard.push(textOf(data)) };
}

export { bytesOf, textOf };
