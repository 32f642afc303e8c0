/**
 * The bus of a backend as a target: a request whose answer is the acknowledgement.
 *
 * The bus delivers at most once and tells nobody what was lost. So a message is asked, not told:
 * its consumer (`receive`) answers when its handler has ended, and until then the message stays in
 * the outbox. Where nobody listens the engine says so at once, and that counts against nobody.
 *
 * One consuming service per topic: the first answer counts. For several, emit a message for each,
 * or relay to a broker with groups of consumers.
 */
import {
  boolean,
  invalidArgument,
  knownOptions,
  type MessageBus,
  type Ms,
  QuorateError,
  positive,
  refuse,
} from "@quorate/core";

import { headersOf, readAnswer } from "./envelope.ts";
import type { RelayTarget } from "./target.ts";

/** Options of `busTarget`. */
export interface BusTargetOptions {
  /** How long a consumer may take to answer, at most the relay's `timeoutMs`. @default 10000 */
  readonly timeoutMs?: Ms;
  /**
   * Publishes, and takes the hand-over to the engine for delivery: **at most once from there on**.
   * A subscriber that is down or slow has lost the message. @default false
   */
  readonly fireAndForget?: boolean;
}

/**
 * Delivers over `bus` to those who `receive` there, and takes their answer for the delivery.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds.
 *
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { busTarget } from "@quorate/transaction";
 * const target = busTarget(memoryBackend().bus, { timeoutMs: 5_000 });
 */
export function busTarget(bus: MessageBus, options: BusTargetOptions = {}): RelayTarget {
  if (typeof bus?.request !== "function") {
    throw invalidArgument("bus", bus, "the bus of a backend");
  }
  knownOptions("options", options, ["timeoutMs", "fireAndForget"]);
  const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 10_000);
  const fireAndForget = boolean("fireAndForget", options.fireAndForget ?? false);
  return {
    async publish(message, { fencingToken, signal }) {
      const data = Buffer.from(JSON.stringify(message.payload));
      const headers = headersOf(message, fencingToken);
      if (fireAndForget) return bus.publish(message.topic, data, { headers, signal });
      const reply = await bus.request(message.topic, data, { headers, signal, timeoutMs });
      const answer = readAnswer(reply.headers);
      if (answer?.outcome === "taken") return;
      if (answer?.outcome === "refused") throw refuse(answer.reason);
      throw notTaken(message.topic, answer);
    },
  };
}

function notTaken(
  topic: string,
  answer: ReturnType<typeof readAnswer>,
): QuorateError<"OVERLOADED" | "OUTCOME_UNKNOWN"> {
  if (answer?.outcome === "busy") {
    const details = { reason: answer.reason };
    const message = `the consumer of ${topic} cannot take it now: ${answer.reason}`;
    return new QuorateError("OVERLOADED", message, { effect: "none", details });
  }
  const why =
    answer?.outcome === "failed"
      ? `the consumer failed: ${answer.reason}`
      : "somebody answered who is not receive(): the message may have been used";
  const message = `${topic} was not taken; ${why}`;
  const details = { operation: "deliver" };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details });
}
