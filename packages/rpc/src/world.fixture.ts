/**
 * A world for tests of calls: processes on one store in scripted time, with clocks of their own,
 * and a bus that loses, doubles and delays what it is told to.
 */
import type { Backend, Message, MessageBus, Ms, RequestOptions, Runtime } from "@quorate/core";
import { QuorateError, sleep } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, memoryBackend } from "@quorate/memory";

/** What befalls a request. */
export type Fault =
  | "none"
  | "request lost"
  | "reply lost"
  | "twice"
  | { readonly requestMs: Ms }
  | { readonly replyMs: Ms }
  | { readonly reply: string };

/** A bus whose requests meet with `next`, one fault each, and then with none. */
export class FaultyBus implements MessageBus {
  readonly next: Fault[] = [];
  readonly #inner: MessageBus;
  readonly #runtime: Runtime;

  constructor(inner: MessageBus, runtime: Runtime) {
    this.#inner = inner;
    this.#runtime = runtime;
  }

  publish: MessageBus["publish"] = (...args) => this.#inner.publish(...args);

  subscribe: MessageBus["subscribe"] = (...args) => this.#inner.subscribe(...args);

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Message> {
    const fault = this.next.shift() ?? "none";
    const { timeoutMs } = options;
    const ask = (): Promise<Message> => this.#inner.request(subject, data, options);
    if (fault === "none") return ask();
    if (fault === "request lost") return this.#silence(timeoutMs);
    if (fault === "reply lost") {
      ask().catch(() => {});
      return this.#silence(timeoutMs);
    }
    if (fault === "twice") {
      const first = ask();
      ask().catch(() => {});
      return first;
    }
    if ("requestMs" in fault) {
      const late = sleep(this.#runtime, fault.requestMs).then(ask);
      return Promise.race([late, this.#silence(timeoutMs)]);
    }
    const reply = await ask();
    if ("reply" in fault) return { ...reply, data: Buffer.from(fault.reply) };
    await sleep(this.#runtime, fault.replyMs);
    return reply;
  }

  async #silence(timeoutMs: Ms): Promise<never> {
    await sleep(this.#runtime, timeoutMs);
    const details = { operation: "bus.request", timeoutMs };
    throw new QuorateError("TIMEOUT", "silence", { effect: "unknown", details });
  }
}

/** Clocks that are `offsetMs` ahead of the world's. */
export class ShiftedRuntime implements Runtime {
  offsetMs: Ms;
  readonly time: Runtime["time"];
  readonly random: Runtime["random"];
  readonly ids: Runtime["ids"];
  readonly events: Runtime["events"];

  constructor(world: ScriptedRuntime, offsetMs: Ms, seed: number) {
    this.offsetMs = offsetMs;
    this.time = {
      monotonicMs: () => world.time.monotonicMs() + this.offsetMs,
      wallMs: () => world.time.wallMs() + this.offsetMs,
      setTimer: (delayMs, callback) => world.time.setTimer(delayMs, callback),
    };
    const own = new ScriptedRuntime({ seed });
    this.random = own.random;
    this.ids = own.ids;
    this.events = world.events;
  }
}

/** One process. */
export interface Place {
  readonly backend: Backend;
  readonly bus: FaultyBus;
  readonly runtime: ShiftedRuntime;
}

/** All processes, and their time. */
export class World {
  readonly runtime: ScriptedRuntime = new ScriptedRuntime();
  readonly #store = createMemoryStore({ runtime: this.runtime });
  #count = 1;

  /** Another process. */
  process(offsetMs: Ms = 0): Place {
    this.#count += 1;
    const runtime = new ShiftedRuntime(this.runtime, 1_000_000 + offsetMs, this.#count);
    const inner = memoryBackend({ store: this.#store, runtime });
    const bus = new FaultyBus(inner.bus, runtime);
    const { capabilities, kv, leases, name } = inner;
    const backend: Backend = {
      name,
      kv,
      leases,
      bus,
      runtime,
      capabilities,
      ready: (options) => inner.ready(options),
      health: (options) => inner.health(options),
      close: (options) => inner.close(options),
      [Symbol.asyncDispose]: () => inner.close(),
    };
    return { backend, bus, runtime };
  }

  /** Lets time pass until `promise` has settled; its error is a value. */
  async outcome<T>(promise: Promise<T>, withinMs: Ms = 60_000): Promise<T | QuorateError> {
    let settled: { readonly value: T | QuorateError } | undefined;
    promise.then(
      (value) => (settled = { value }),
      (error: unknown) => (settled = { value: error as QuorateError }),
    );
    for (let passedMs = 0; passedMs <= withinMs; passedMs += 5) {
      await this.runtime.advance(passedMs === 0 ? 0 : 5);
      if (settled !== undefined) return settled.value;
    }
    throw new Error(`not settled within ${withinMs} ms`);
  }
}
