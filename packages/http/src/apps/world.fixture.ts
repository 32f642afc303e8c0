/**
 * What the test applications of all frameworks have in common: what they answer, and who counts.
 */
import { type AddressInfo } from "node:net";
import type { Server } from "node:http";
import { gzipSync } from "node:zlib";

import { deferred, type Deferred } from "@quorate/core";
import { createIdempotency, type Idempotency } from "@quorate/idempotency";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import type { IdempotencyContext } from "../context.ts";
import type { HttpIdempotencyOptions } from "../options.ts";

/** Longest body that the applications store: `/large` is over it. */
export const MAX_BODY_BYTES = 4_096;

/** One store, and what handlers did. */
export class World {
  readonly backend: MemoryBackend;
  readonly idempotency: Idempotency;
  /** Of another process on the same store. */
  readonly elsewhere: Idempotency;
  readonly contexts: (IdempotencyContext | undefined)[] = [];
  readonly #other: MemoryBackend;
  readonly #runs = new Map<string, number>();
  readonly #gates = new Map<string, Deferred<void>>();
  readonly #entered = new Map<string, Deferred<void>>();

  constructor() {
    const store = createMemoryStore();
    this.backend = memoryBackend({ store, requestTimeoutMs: 500 });
    this.idempotency = createIdempotency(this.backend);
    this.#other = memoryBackend({ store });
    this.elsewhere = createIdempotency(this.#other);
  }

  /** A handler ran: which run of its route is this? */
  run(route: string, context?: IdempotencyContext): number {
    const run = this.runs(route) + 1;
    this.#runs.set(route, run);
    this.contexts.push(context);
    return run;
  }

  runs(route: string): number {
    return this.#runs.get(route) ?? 0;
  }

  /** Handlers of `/slow` wait here. */
  async passGate(): Promise<void> {
    this.entered.resolve();
    await this.gate.promise;
  }

  get gate(): Deferred<void> {
    return once(this.#gates);
  }

  /** Resolves when a handler of `/slow` has begun. */
  get entered(): Deferred<void> {
    return once(this.#entered);
  }

  async close(): Promise<void> {
    this.gate.resolve();
    await this.idempotency.close({ graceMs: 0 });
    await this.elsewhere.close({ graceMs: 0 });
    await Promise.all([this.backend.close(), this.#other.close()]);
  }
}

function once(from: Map<string, Deferred<void>>): Deferred<void> {
  const known = from.get("one") ?? deferred<void>();
  from.set("one", known);
  return known;
}

/** Options that a test may set; the applications add store and scope. */
export type AppOptions = Omit<HttpIdempotencyOptions<object>, "idempotency" | "scope">;

/** Starts one framework's application. */
export type StartApp = (world: World, options: AppOptions) => Promise<RunningApp>;

/** A listening application. */
export interface RunningApp {
  readonly port: number;
  close(): Promise<void>;
}

/** A running application of a server of Node. */
export function runningApp(server: Server): RunningApp {
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Every byte there is, twice, and the run: no text. */
export function binary(run: number): Uint8Array {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  return Uint8Array.from([...all, ...all, run]);
}

/** JSON with characters of one to four bytes, spelled as no serialiser would. */
export function spelled(run: number): string {
  return `{ "run": ${run},\n  "text": "aé€😀\\u0000" }`;
}

/** As a handler that compresses itself would send it. */
export function zipped(run: number): Uint8Array {
  return gzipSync(`run ${run} `.repeat(20));
}

/** Three parts of a stream, over several turns of the event loop. */
export async function* parts(run: number): AsyncGenerator<Uint8Array> {
  for (const part of ["one ", "two ", `run ${run}`]) {
    await new Promise((resolve) => setTimeout(resolve, 15));
    yield Buffer.from(part);
  }
}

/** Too long to be stored. */
export function large(run: number): string {
  return `run ${run} `.repeat(1_000);
}
