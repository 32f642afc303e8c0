/**
 * Lamport clock: one number per process that never contradicts cause and effect.
 *
 * Each event takes the next number; a received message first lifts the receiver to the sender's
 * number. So an event that may have caused another has the smaller number. With the node's id as
 * the tie-breaker every two events of the system are ordered, the same way for everybody: enough
 * for a queue that all agree on, or for "last write wins" without wall clocks.
 *
 * Guarantees: if a happened before b then a < b; timestamps of one node strictly grow; the order
 * is total over distinct nodes. Does not guarantee the converse: a < b does not mean that a could
 * have caused b. Use a vector clock for that question.
 *
 * HAZARD: a clock that restarts from zero under its old id issues timestamps a second time. Keep
 * a snapshot (see `snapshot`), or come back under a new id.
 * HAZARD: one peer that claims a number near 2⁵³ lifts everybody there, and the next tick is
 * refused. Authenticate peers; a Lamport clock has no notion of an implausible number.
 *
 * Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", CACM 1978.
 */
import { invalidArgument, knownOptions, QuorateError } from "@quorate/core";
import { checkNodeId, compareNodeIds, type NodeId } from "./node-id.ts";

/** One event's place in the total order. */
export interface LamportTimestamp {
  /** 1 for the first event of a fresh clock. Safe integer. */
  readonly time: number;
  readonly node: NodeId;
}

/** Options of `LamportClock`. */
export interface LamportClockOptions {
  /** This process. No other live process may use the same id. */
  readonly node: NodeId;
  /** Time of the last event that may have been issued under this id. @default 0 */
  readonly time?: number;
}

/** Total order: by time, then by node id as `compareNodeIds` has it. */
export function compareLamport(left: LamportTimestamp, right: LamportTimestamp): number {
  if (left.time !== right.time) return left.time < right.time ? -1 : 1;
  return compareNodeIds(left.node, right.node);
}

/**
 * The clock of one process.
 *
 * @example
 * import { compareLamport, LamportClock } from "@quorate/clock";
 * const alice = new LamportClock({ node: "alice" });
 * const bob = new LamportClock({ node: "bob" });
 * const asked = alice.send(); // travels with the message
 * const heard = bob.receive(asked);
 * console.log(compareLamport(asked, heard)); // => -1
 */
export class LamportClock {
  /** This process. */
  readonly node: NodeId;
  #time: number;

  /** @throws INVALID_ARGUMENT an option is not what it must be. */
  constructor(options: LamportClockOptions) {
    knownOptions("options", options, ["node", "time"]);
    this.node = checkNodeId("node", options.node);
    this.#time = checkTime("time", options.time ?? 0);
  }

  /** Time of the last event; 0 before the first. */
  get time(): number {
    return this.#time;
  }

  /**
   * A local event.
   *
   * @throws TOO_LARGE 2⁵³ - 1 events are over; nothing changed.
   */
  tick(): LamportTimestamp {
    return this.#advance(this.#time);
  }

  /** Sending is an event like any other; its timestamp goes with the message. */
  send(): LamportTimestamp {
    return this.#advance(this.#time);
  }

  /**
   * Receiving is an event after both the sending and everything here before.
   *
   * @throws INVALID_ARGUMENT `remote` is not a timestamp; nothing changed.
   * @throws TOO_LARGE there is no time after `remote`'s; nothing changed.
   */
  receive(remote: LamportTimestamp): LamportTimestamp {
    checkLamportTimestamp("remote", remote);
    return this.#advance(Math.max(this.#time, remote.time));
  }

  /**
   * What to keep so that a restart, `new LamportClock(snapshot)`, issues nothing twice.
   *
   * Keep it before the timestamp leaves the process. With `ahead` one snapshot covers all events
   * up to `time + ahead`: keep the next one when the clock's `time` reaches the snapshot's.
   *
   * @example
   * import { LamportClock } from "@quorate/clock";
   * let kept = { node: "alice", time: 0 }; // a file, a row
   * const clock = new LamportClock(kept);
   * const event = clock.tick();
   * if (event.time > kept.time) kept = clock.snapshot({ ahead: 1_000 }); // before `event` leaves
   * console.log(new LamportClock(kept).tick().time > event.time); // => true
   */
  snapshot(options: { readonly ahead?: number } = {}): LamportTimestamp {
    const ahead = checkTime("ahead", options.ahead ?? 0);
    return { time: Math.min(this.#time + ahead, Number.MAX_SAFE_INTEGER), node: this.node };
  }

  #advance(from: number): LamportTimestamp {
    if (from >= Number.MAX_SAFE_INTEGER) throw exhausted();
    this.#time = from + 1;
    return { time: this.#time, node: this.node };
  }
}

/** `value` if it is a timestamp; else `INVALID_ARGUMENT`. For what came over a wire. */
export function checkLamportTimestamp(option: string, value: LamportTimestamp): LamportTimestamp {
  if (typeof value !== "object" || value === null) {
    throw invalidArgument(option, value, "a Lamport timestamp");
  }
  checkTime(`${option}.time`, value.time);
  checkNodeId(`${option}.node`, value.node);
  return value;
}

function checkTime(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument(option, value, "a safe integer >= 0");
}

function exhausted(): QuorateError<"TOO_LARGE"> {
  const details = { option: "time", size: 2 ** 53, limit: Number.MAX_SAFE_INTEGER };
  const message = "there is no Lamport time after 2^53 - 1; a peer has claimed an absurd time";
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
