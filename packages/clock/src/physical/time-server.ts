/**
 * A time server over any bus: answers "what time is it?" with its clock and how wrong that may be.
 *
 * It tells its own wall clock, with the error that its operator vouches for, or a `SyncedClock`,
 * and then passes on that clock's bound: servers may be chained, and bounds add up.
 *
 * Guarantees: whatever is sent to it, it answers with three numbers or not at all. Does not
 * guarantee: that the wall clock is right. An error bound of 0 means "what I say *is* the time".
 */
import {
  callable,
  invalidArgument,
  knownOptions,
  type Message,
  type MessageBus,
  type Ms,
  nonNegative,
  type Runtime,
  systemRuntime,
} from "@quorate/core";
import { type BoundedTime, RESOLUTION_MS } from "./reading.ts";
import { encodeTimeAnswer } from "./time-wire.ts";

/** Options of `serveTime`. */
export interface ServeTimeOptions {
  /** Where it listens, such as `time/paris`. */
  readonly subject: string;
  /** Whose wall clock is told: that of the bus. @default systemRuntime */
  readonly runtime?: Pick<Runtime, "time">;
  /** How wrong that wall clock may be. @default 0 */
  readonly errorBoundMs?: Ms;
  /** A better clock to tell than the wall clock, such as a `SyncedClock`. */
  readonly clock?: { now(): BoundedTime };
  /** Ends the service. */
  readonly signal?: AbortSignal | undefined;
}

/** A time server at work. */
export interface TimeServer extends AsyncDisposable {
  readonly subject: string;
  /** Questions answered. */
  readonly answered: number;
  /** No more answers; resolves when the one at work has gone out. Twice is fine. */
  close(): Promise<void>;
}

/**
 * Answers questions for the time on `subject`, until closed. Several servers may share a subject;
 * who asks then gets the first answer. To let clocks compare servers, give each its own.
 *
 * @throws INVALID_ARGUMENT an option is not what it must be.
 * @throws STORE_UNAVAILABLE the link is down.
 *
 * @example
 * import { serveTime } from "@quorate/clock";
 * import { memoryBackend } from "@quorate/memory";
 * const backend = memoryBackend();
 * const server = await serveTime(backend.bus, { subject: "time/paris", errorBoundMs: 5 });
 * await server.close();
 * await backend.close();
 */
export async function serveTime(bus: MessageBus, options: ServeTimeOptions): Promise<TimeServer> {
  const names = ["subject", "runtime", "errorBoundMs", "clock", "signal"] as const;
  const { subject, clock, signal } = knownOptions("options", options, names);
  if (clock !== undefined && options.errorBoundMs !== undefined) {
    throw invalidArgument("errorBoundMs", options.errorBoundMs, "absent: the clock has its own");
  }
  const now = clock === undefined ? wallClock(options) : nowOf(clock);
  let answered = 0;
  const handle = async (message: Message): Promise<void> => {
    const received = now();
    if (message.respond === undefined) return;
    answered += 1;
    await message.respond(encodeTimeAnswer(received.nowMs, now()));
  };
  const subscription = await bus.subscribe(subject, handle, { signal });
  return {
    subject,
    get answered(): number {
      return answered;
    },
    close: () => subscription.close(),
    [Symbol.asyncDispose]: () => subscription.close(),
  };
}

function wallClock({ runtime = systemRuntime, errorBoundMs = 0 }: ServeTimeOptions) {
  const boundMs = nonNegative("errorBoundMs", errorBoundMs) + RESOLUTION_MS;
  return (): BoundedTime => ({ nowMs: runtime.time.wallMs(), errorBoundMs: boundMs });
}

function nowOf(clock: { now(): BoundedTime }): () => BoundedTime {
  if (typeof clock !== "object" || clock === null) {
    throw invalidArgument("clock", clock, "an object with now()");
  }
  callable("clock.now", clock.now);
  return () => clock.now();
}
