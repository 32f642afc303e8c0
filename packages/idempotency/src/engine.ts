/**
 * The engine behind `createIdempotency`: prepares calls, asks, performs, closes.
 */
import {
  type Backend,
  callable,
  invalidArgument,
  isQuorateError,
  type Ms,
  nonNegative,
  effectOf,
} from "@quorate/core";
import { valueOf } from "./answers.ts";
import { Asking } from "./ask.ts";
import type { Answer, Answered, Begun, Execution } from "./begun.ts";
import { type Call, placeOf, prepare } from "./call.ts";
import { Desk } from "./desk.ts";
import { forgetKey, keyStateOf } from "./forget.ts";
import type { Idempotency, PeekOptions, Work } from "./idempotency.ts";
import {
  type BeginOptions,
  CALL_NAMES,
  checkFits,
  checkOptions,
  type IdempotencyOptions,
  type OnError,
  type RunOptions,
} from "./options.ts";
import type { Forgotten, ForgetOptions, KeyState } from "./peek.ts";
import type { Repeatable, WrapOptions, Wrapped } from "./wrap.ts";
import { wrapped } from "./wrapped.ts";
import { knownOptions } from "@quorate/core";
import { readFound } from "./desk.ts";
import { checkSignal } from "./options.ts";

const DEFAULT_GRACE_MS = 1_000;
const BEGIN_NAMES = CALL_NAMES.filter((name) => name !== "onError");

/**
 * Idempotent calls on `backend`.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { createIdempotency } from "@quorate/idempotency";
 * import { memoryBackend } from "@quorate/memory";
 * const idempotency = createIdempotency(memoryBackend());
 * let charges = 0;
 * const charge = () => idempotency.run("order-7", () => ({ charge: (charges += 1) }));
 * console.log(await charge(), await charge()); // => { charge: 1 } { charge: 1 }
 */
export function createIdempotency(backend: Backend, options: IdempotencyOptions = {}): Idempotency {
  if (typeof backend?.kv?.put !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new IdempotencyEngine(new Desk(backend, checkOptions(options, backend)));
}

class IdempotencyEngine implements Idempotency {
  readonly #desk: Desk;
  readonly #asking: Asking;
  #isSized: boolean;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#asking = new Asking(desk);
    this.#isSized = desk.options.maxResultBytes === undefined;
  }

  async run<T>(key: string, work: Work<T>, options?: RunOptions): Promise<T> {
    const { value } = await this.runDetailed(key, work, options);
    return value;
  }

  async runDetailed<T>(key: string, work: Work<T>, options?: RunOptions): Promise<Answer<T>> {
    callable("work", work);
    const { name, defaults } = this.#desk.options;
    const call = prepare(name, key, options, defaults);
    const begun = await this.#begin<T>(call);
    if (begun.kind !== "claimed") return valueOf(begun);
    return perform(begun.execution, work, call.onError);
  }

  async begin<T = unknown>(key: string, options?: BeginOptions): Promise<Begun<T>> {
    if (options !== undefined) knownOptions("options", options, BEGIN_NAMES as never);
    const { name, defaults } = this.#desk.options;
    return this.#begin<T>(prepare(name, key, options, defaults));
  }

  wrap<A extends readonly unknown[], T>(
    fn: Repeatable<A, T>,
    options: WrapOptions<A>,
  ): Wrapped<A, T> {
    return wrapped(this, fn, options);
  }

  async peek(key: string, options: PeekOptions = {}): Promise<KeyState | undefined> {
    knownOptions("options", options, ["scope", "signal"]);
    const { name, codec } = this.#desk.options;
    const place = placeOf(name, key, options.scope);
    this.#desk.lifecycle.assertOpen();
    const found = await this.#desk.look(place, checkSignal(options.signal));
    return found === undefined ? undefined : keyStateOf(found, codec);
  }

  async *list(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<KeyState, void, void> {
    knownOptions("options", options, ["signal"]);
    const { name, codec } = this.#desk.options;
    const { signal } = options;
    this.#desk.lifecycle.assertOpen();
    for await (const entry of this.#desk.kv.list(name, { signal: checkSignal(signal) })) {
      yield keyStateOf(readFound(entry, entry.key), codec);
    }
  }

  async forget(key: string, options: ForgetOptions): Promise<Forgotten> {
    this.#desk.lifecycle.assertOpen();
    return forgetKey(this.#desk, key, options);
  }

  close(options: { readonly graceMs?: Ms } = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    const { flights, lifecycle } = this.#desk;
    for (const flight of lifecycle.isClosed ? [] : flights.all()) {
      void lifecycle.track(new Promise<void>((resolve) => flight.onEnd(() => resolve())));
    }
    return lifecycle.close(graceMs, () => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin<T>(call: Call): Promise<Begun<T>> {
    this.#desk.lifecycle.assertOpen();
    call.signal?.throwIfAborted();
    if (!this.#isSized) await this.#checkSize(call.signal);
    return this.#asking.ask<T>(call);
  }

  /** Once, before anything runs: what the engine takes is certain when it has been asked. */
  async #checkSize(signal: AbortSignal | undefined): Promise<void> {
    const { backend, options } = this.#desk;
    await backend.ready(signal === undefined ? {} : { signal });
    checkFits(options.maxResultBytes ?? 0, backend);
    this.#isSized = true;
  }
}

/** Runs `work` and ends its run. */
async function perform<T>(
  execution: Execution<T>,
  work: Work<T>,
  onError: OnError,
): Promise<Answer<T>> {
  let value: T;
  try {
    value = await work(execution);
  } catch (error) {
    const answered = await endThrown(execution, error, onError);
    if (answered === undefined || (answered.kind !== "replay" && !answered.replayed)) throw error;
    return valueOf(answered); // The winner's: the answer that counts.
  }
  return execution.complete(value);
}

/** Ends the run of work that threw. */
async function endThrown<T>(
  execution: Execution<T>,
  error: unknown,
  onError: OnError,
): Promise<Answered<T> | undefined> {
  if (isQuorateError(error, "REFUSED")) return execution.refuse(error);
  // Nothing happened, it says; an hour later something may. So it is no answer.
  if (onError === "release" || effectOf(error) === "none") return execution.release();
  if (onError === "store") return execution.fail(error).catch(() => undefined);
  execution.hold();
  return undefined;
}
