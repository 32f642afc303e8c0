/**
 * Processes on one store in memory, in scripted time, with a contract that has streams, keyed and
 * slow methods; what arrives at a process may be lost, repeated or made up.
 */
import { type Backend, type Message, type MessageBus, onAbort } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import {
  createMemoryStore,
  type MemoryBackend,
  memoryBackend,
  type MemoryStore,
} from "@quorate/memory";
import { z } from "zod";
import { PausableRuntime } from "../../../test/support/pausable-runtime.ts";
import { type Outcome, outcomeOf } from "../../../test/support/scripted-outcome.ts";
import { contract } from "./contract.ts";

export const Ledger = contract("ledger", "1.0.0", {
  /** Counts from 0 to `to`. */
  count: {
    input: z.object({ to: z.int() }),
    items: z.int(),
    errors: { Torn: z.object({ at: z.int() }) },
    repeat: "safe",
  },
  pay: {
    input: z.object({ cents: z.int() }),
    output: z.object({ receipt: z.string() }),
    errors: {
      Declined: z.object({ by: z.string() }),
      Half: { data: z.object({ done: z.int() }), effect: "applied" },
    },
    repeat: "keyed",
    timeoutMs: 60_000,
  },
  wait: { input: z.string(), output: z.string(), timeoutMs: 3_600_000 },
});

/** What becomes of a message: it arrives this often, or as these bytes. */
export type Fate = number | Uint8Array;

/** A process. */
export interface TestProcess {
  readonly backend: Backend;
  readonly memory: MemoryBackend;
  /** Decides about each frame that arrives. */
  fate: (data: Uint8Array, index: number) => Fate;
  /** Its frames so far. */
  readonly frames: Uint8Array[];
  /** Subject of its last inbox. */
  inbox: string;
  pause(): void;
  resume(): void;
}

/** A store and its time. */
export class World {
  readonly runtime: ScriptedRuntime = new ScriptedRuntime();
  readonly store: MemoryStore = createMemoryStore({ runtime: this.runtime });
  #processes = 0;

  process(): TestProcess {
    this.#processes += 1;
    const runtime = new PausableRuntime(this.runtime, this.#processes);
    const memory = memoryBackend({ store: this.store, runtime, requestTimeoutMs: 500 });
    const { bus, capabilities, kv, leases, name } = memory;
    const made: TestProcess = {
      backend: {
        ...{ name, kv, leases, capabilities, runtime },
        bus: meddled(bus, () => made),
        ready: () => memory.ready(),
        health: () => memory.health(),
        close: () => memory.close(),
        [Symbol.asyncDispose]: () => memory.close(),
      },
      memory,
      frames: [],
      inbox: "",
      fate: () => 1,
      pause: () => {
        runtime.pause();
        memory.faults.pauseReplies();
      },
      resume: () => {
        runtime.resume();
        memory.faults.resumeReplies();
      },
    };
    return made;
  }

  /** Lets promises settle without time passing. */
  settle(): Promise<void> {
    return this.runtime.advance(0);
  }

  /** Advances until `promise` has settled; its value, or what it threw. */
  outcome<T>(promise: Promise<T>, maxMs = 120_000): Promise<Outcome<T>> {
    return outcomeOf(this.runtime, promise, { maxMs, stepMs: 50 });
  }

  /** All items of `stream`, and what it ended with. */
  async read<T>(
    stream: AsyncIterable<T>,
    maxMs = 120_000,
  ): Promise<{ readonly items: T[]; readonly error: unknown }> {
    const items: T[] = [];
    const reading = (async () => {
      for await (const item of stream) items.push(item);
    })();
    const outcome = await this.outcome(reading, maxMs);
    return { items, error: "error" in outcome ? outcome.error : undefined };
  }

  work(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const off = onAbort(signal, () => reject(signal?.reason));
      this.runtime.time.setTimer(ms, () => {
        off();
        resolve();
      });
    });
  }

  /** Events of this name so far. */
  events(name: string): readonly object[] {
    return this.runtime.recorded.filter((one) => one.name === name).map(({ event }) => event);
  }
}

function meddled(bus: MessageBus, process: () => TestProcess): MessageBus {
  return {
    publish: (subject, data, options) => bus.publish(subject, data, options),
    request: (subject, data, options) => bus.request(subject, data, options),
    subscribe: (target, handler, options) => {
      if (!target.startsWith("rpc-inbox/")) return bus.subscribe(target, handler, options);
      process().inbox = target;
      const hear = (message: Message): void => {
        const { fate, frames } = process();
        frames.push(message.data);
        const what = fate(message.data, frames.length - 1);
        if (typeof what !== "number") return void handler({ ...message, data: what });
        for (let times = 0; times < what; times++) void handler(message);
      };
      return bus.subscribe(target, hear, options);
    },
  };
}
