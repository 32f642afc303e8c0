/**
 * What the global clocks, timers and dice are to code under simulation: those of its own process.
 *
 * Only in the mode `simulate`. Each function takes the node whose event runs and the arguments of
 * the real thing, and answers from the node's runtime.
 */
import { invalidArgument, onAbort, type Timer } from "@quorate/core";
import type { Answer } from "./door.ts";
import type { SimNode } from "./node.ts";

/** What `setTimeout` hands out: enough of Node's `Timeout` for code that keeps and clears it. */
class SimTimeout {
  readonly #arm: () => Timer;
  #timer: Timer;

  constructor(arm: () => Timer) {
    this.#arm = arm;
    this.#timer = arm();
  }

  close(): this {
    this.#timer.cancel();
    return this;
  }

  refresh(): this {
    this.#timer.cancel();
    this.#timer = this.#arm();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

type Args = readonly unknown[];

/** `setTimeout(callback, ms, ...args)`. */
export function startTimeout(node: SimNode, args: Args): SimTimeout {
  const { callback, ms, rest } = timerArguments(args);
  const { time } = node.runtime;
  return new SimTimeout(() => time.setTimer(ms, () => callback(...rest)));
}

/** `setInterval(callback, ms, ...args)`. */
export function startInterval(node: SimNode, args: Args): SimTimeout {
  const { callback, ms, rest } = timerArguments(args);
  const { time } = node.runtime;
  const timeout: SimTimeout = new SimTimeout(() =>
    time.setTimer(ms, () => {
      timeout.refresh();
      callback(...rest);
    }),
  );
  return timeout;
}

/** `setImmediate(callback, ...args)`. */
export function startImmediate(node: SimNode, [callback, ...rest]: Args): SimTimeout {
  return startTimeout(node, [callback, 0, ...rest]);
}

/** `clearTimeout` and its kin: ours are stopped, all others are left to the real one. */
export function stopTimer(real: (timer: never) => void): (timer: unknown) => void {
  return (timer) => void (timer instanceof SimTimeout ? timer.close() : real(timer as never));
}

/** `setTimeout(ms, value, { signal })` of `node:timers/promises`. */
export function sleepFor(node: SimNode, [ms, value, options]: Args): Promise<unknown> {
  const { signal } = (options ?? {}) as { readonly signal?: AbortSignal };
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortError(signal));
    const timer = node.runtime.time.setTimer(delayOf(ms), () => {
      off();
      resolve(value);
    });
    const off = onAbort(signal, () => {
      timer.cancel();
      reject(abortError(signal));
    });
  });
}

/** `AbortSignal.timeout(ms)`. */
export function abortAfter(node: SimNode, [ms]: Args): AbortSignal {
  const controller = new AbortController();
  const late = "The operation was aborted due to timeout";
  const abort = (): void => controller.abort(new DOMException(late, "TimeoutError"));
  node.runtime.time.setTimer(delayOf(ms), abort, { keepAlive: false });
  return controller.signal;
}

/** `randomUUID()`: version 4. */
export function randomUuid(node: SimNode): string {
  const bytes = Buffer.from(node.runtime.random.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** `getRandomValues(array)` and `randomFillSync(array)`. */
export function fillRandom(node: SimNode, [array]: Args): unknown {
  if (!ArrayBuffer.isView(array)) throw invalidArgument("array", array, "a typed array");
  const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  view.set(node.runtime.random.bytes(view.length));
  return array;
}

/** `randomInt(min, max)`, without a callback. */
export function randomBelow(node: SimNode, args: Args): number {
  const [min, max] = args.length > 1 ? [Number(args[0]), Number(args[1])] : [0, Number(args[0])];
  return min + Math.floor(node.runtime.random.next() * (max - min));
}

/** `Date` with the clock replaced: `new Date()`, `Date()` and `Date.now()` ask `answer`. */
export function SimDate(real: DateConstructor, answer: Answer): DateConstructor {
  const nowMs = (): number | undefined => answer([])?.value as number | undefined;
  const now = (): number => nowMs() ?? real.now();
  return new Proxy(real, {
    construct: (target, args, newTarget: NewableFunction) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    apply: () => new real(now()).toString(),
    get: (target, property) =>
      property === "now" ? now : (Reflect.get(target, property) as unknown),
  });
}

/** `process.hrtime` with its `bigint`. */
export function highResolution(real: NodeJS.HRTime, answer: Answer): NodeJS.HRTime {
  const nanos = (): bigint | undefined => {
    const answered = answer([]);
    return answered && BigInt(Math.floor((answered.value as number) * 1_000)) * 1_000n;
  };
  const hrtime = (before?: [number, number]): [number, number] => {
    const now = nanos();
    if (now === undefined) return real(before);
    const since =
      now - (before === undefined ? 0n : BigInt(before[0]) * BILLION + BigInt(before[1]));
    return [Number(since / BILLION), Number(since % BILLION)];
  };
  return Object.assign(hrtime, { bigint: () => nanos() ?? real.bigint() });
}

const BILLION = 1_000_000_000n;

function timerArguments([callback, ms, ...rest]: Args): {
  readonly callback: (...args: Args) => void;
  readonly ms: number;
  readonly rest: Args;
} {
  if (typeof callback !== "function") {
    throw invalidArgument("callback", callback, "a function");
  }
  return { callback: callback as (...args: Args) => void, ms: delayOf(ms), rest };
}

/** Node takes what is no number, and what is beyond its range, for one millisecond. */
function delayOf(ms: unknown): number {
  const number = Number(ms);
  return number >= 1 && number <= 2_147_483_647 ? number : 1;
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error("The operation was aborted", { cause: signal?.reason });
  return Object.assign(error, { name: "AbortError", code: "ABORT_ERR" });
}
