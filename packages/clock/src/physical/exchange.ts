/**
 * What one question to another clock tells: NTP's four stamps, and Cristian's three.
 *
 * Nobody can see how a round trip divides into way there and way back. Both formulas assume equal
 * halves and say how wrong that can be: by half of what the messages travelled.
 *
 * HAZARD: asymmetric delay is undetectable. A way back that is always 80 ms slower than the way
 * there shifts every estimate by 40 ms, however often one asks; it is within the error bound, and
 * nothing else warns of it.
 *
 * Mills, "Internet Time Synchronization: The Network Time Protocol", RFC 1129, 1989, and RFC 5905,
 * section 8. Cristian, "Probabilistic Clock Synchronization", Distributed Computing 3, 1989.
 */
import { invalidArgument, knownOptions, type Ms, nonNegative } from "@quorate/core";

/** The four stamps of an exchange; `t1` and `t4` by our clock, `t2` and `t3` by theirs. */
export interface FourStamps {
  /** We sent the question. */
  readonly t1: Ms;
  /** They received it. */
  readonly t2: Ms;
  /** They sent the answer. */
  readonly t3: Ms;
  /** We received it. */
  readonly t4: Ms;
}

/** Where another clock stands. */
export interface Offset {
  /** Their clock minus ours: add it to our time to have theirs. */
  readonly offsetMs: Ms;
  /** What the two messages travelled together. Negative: the stamps contradict each other. */
  readonly delayMs: Ms;
  /** The offset is wrong by at most this, whatever the delay's two halves were. */
  readonly errorBoundMs: Ms;
}

/**
 * NTP's θ = ((t2 - t1) + (t3 - t4)) / 2 and δ = (t4 - t1) - (t3 - t2); |error| ≤ δ / 2.
 *
 * A negative δ is given as it is, with an infinite error bound: no real exchange has one, so one
 * of the clocks was set in between.
 *
 * @throws INVALID_ARGUMENT a stamp is not a finite number.
 *
 * @example
 * import { offsetOf } from "@quorate/clock";
 * // Their clock is 100 ms ahead; 10 ms there, 5 ms of work, 10 ms back.
 * const offset = offsetOf({ t1: 0, t2: 110, t3: 115, t4: 25 });
 * console.log(offset.offsetMs, offset.errorBoundMs); // => 100 10
 */
export function offsetOf(stamps: FourStamps): Offset {
  for (const name of ["t1", "t2", "t3", "t4"] as const) {
    if (!Number.isFinite(stamps[name]))
      throw invalidArgument(name, stamps[name], "a finite number");
  }
  const { t1, t2, t3, t4 } = stamps;
  const delayMs = t4 - t1 - (t3 - t2);
  const errorBoundMs = delayMs < 0 ? Infinity : delayMs / 2;
  return { offsetMs: (t2 - t1 + (t3 - t4)) / 2, delayMs, errorBoundMs };
}

/** One question and its answer, where the answer has a single stamp. */
export interface CristianExchange {
  /** We sent the question, by our clock. */
  readonly sentMs: Ms;
  /** What their clock said, some time in between. */
  readonly remoteMs: Ms;
  /** We received the answer, by our clock. */
  readonly receivedMs: Ms;
  /** The least that one message can take; a better guess narrows the bound. @default 0 */
  readonly minDelayMs?: Ms;
}

/**
 * Cristian's estimate: their clock reads `remoteMs + roundTrip / 2` when the answer arrives, give
 * or take `roundTrip / 2 - minDelayMs`.
 *
 * @throws INVALID_ARGUMENT a stamp is not a finite number, or the round trip is shorter than two
 * messages take.
 *
 * @example
 * import { cristian } from "@quorate/clock";
 * const offset = cristian({ sentMs: 0, remoteMs: 1_010, receivedMs: 20, minDelayMs: 4 });
 * console.log(offset.offsetMs, offset.errorBoundMs); // => 1000 6
 */
export function cristian(exchange: CristianExchange): Offset {
  const names = ["sentMs", "remoteMs", "receivedMs", "minDelayMs"] as const;
  const { sentMs, remoteMs, receivedMs } = knownOptions("exchange", exchange, names);
  const minDelayMs = nonNegative("minDelayMs", exchange.minDelayMs ?? 0);
  const { offsetMs, delayMs } = offsetOf({
    t1: sentMs,
    t2: remoteMs,
    t3: remoteMs,
    t4: receivedMs,
  });
  const errorBoundMs = delayMs / 2 - minDelayMs;
  if (errorBoundMs >= 0) return { offsetMs, delayMs, errorBoundMs };
  throw invalidArgument("receivedMs", receivedMs, "at least two times minDelayMs after sentMs");
}
