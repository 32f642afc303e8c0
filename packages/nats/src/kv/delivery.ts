/**
 * One ordered push consumer: its deliveries, and how its end is noticed.
 *
 * The server numbers what it delivers to a consumer. A number missing, a heartbeat that counts
 * further than we did, or no heartbeat at all: then this delivery has ended and another begins,
 * with the whole state. Flow control is answered, so that a slow reader slows the server down
 * and loses nothing.
 *
 * The consumer is ephemeral, in memory, without acknowledgements, and removed when left; where
 * that cannot be told to the server, it removes it by itself after ten seconds without interest.
 */
import type { Ms, Runtime, Timer } from "@quorate/core";
import type { Budget } from "../budget.ts";
import type { NatsMessageLike, NatsSubscriptionLike } from "../connection.ts";
import { refused, unavailable } from "../failures.ts";
import { asNumber, ErrCode } from "../jetstream/answers.ts";
import type { JetStreamApi } from "../jetstream/api.ts";
import type { Link } from "../link/link.ts";

/** How often the server says that there is nothing new. */
export const HEARTBEAT_MS = 800;
/** How long it may say nothing before the link counts as silent. */
export const SILENCE_MS = 2_000;
/** A timer later than this says that we stood still, not the server. */
const STALL_MS = 500;
const INACTIVE_MS = 10_000;
const STATUS = 100;

/** A message of the stream, delivered. */
export interface Delivered {
  readonly message: NatsMessageLike;
  readonly seq: number;
  readonly stampMs: Ms;
}

/** Why a delivery ended. */
export type DeliveryEnd = "gap" | "silence" | "link lost" | "refused" | "left";

/** What a delivery tells. */
export interface DeliveryListener {
  onMessage(delivered: Delivered): void;
  /** Everything that was there at the beginning has been delivered. */
  onCaughtUp(): void;
  onHeartbeat(): void;
  onEnd(end: DeliveryEnd): void;
}

/** What a delivery is made of. */
export interface DeliveryParts {
  readonly api: JetStreamApi;
  readonly link: Link;
  readonly runtime: Runtime;
  readonly streamName: string;
  readonly filter: string;
  /** Subject of the deliveries, used once. */
  readonly deliverTo: string;
  /** Name of the consumer, used once. */
  readonly name: string;
  readonly listener: DeliveryListener;
}

/** One consumer's life. */
export class Delivery {
  readonly #parts: DeliveryParts;
  #subscription: NatsSubscriptionLike | undefined;
  #unlisten: () => void = () => {};
  #timer: Timer | undefined;
  #delivered = 0;
  #heardMs: Ms;
  #caughtUp = false;
  #ended = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#heardMs = parts.runtime.time.monotonicMs();
  }

  /** When the server was last heard of. */
  get heardMs(): Ms {
    return this.#heardMs;
  }

  /** Subscribes, then has the server make the consumer. */
  async start(budget: Budget): Promise<void> {
    const { api, deliverTo, filter, link, name, streamName } = this.#parts;
    this.#unlisten = link.listen({
      lost: () => this.#end("link lost"),
      refused: (subject) => {
        if (subject === deliverTo) this.#end("refused");
      },
    });
    this.#subscription = link.connection.subscribe(deliverTo, {
      callback: (error, message) => {
        if (error === null || error === undefined) this.#onMessage(message);
        else this.#end("refused");
      },
    });
    const operation = "watch";
    const answer = await api.request({
      subject: `CONSUMER.CREATE.${streamName}.${name}`,
      body: { stream_name: streamName, config: consumerConfig(name, deliverTo, filter) },
      operation,
      budget,
    });
    if (answer.kind === "error") {
      const { description, errCode } = answer.error;
      // Deleted since it was looked for, or not yet known to a new leader: looking again tells.
      if (errCode === ErrCode.streamNotFound) throw unavailable(operation, description);
      throw refused(operation, `${description} (${errCode})`);
    }
    this.#heardMs = this.#parts.runtime.time.monotonicMs();
    this.#arm(SILENCE_MS);
    if ((asNumber(answer.body["num_pending"]) ?? 0) === 0 && this.#delivered === 0) this.#catchUp();
  }

  /** Ends it on our side, and on the server's as far as it can be told. */
  async stop(budget: Budget): Promise<void> {
    this.#end("left");
    const { api, name, streamName } = this.#parts;
    await api
      .request({ subject: `CONSUMER.DELETE.${streamName}.${name}`, operation: "unwatch", budget })
      .catch(() => {});
  }

  #onMessage(message: NatsMessageLike): void {
    if (this.#ended) return;
    this.#heardMs = this.#parts.runtime.time.monotonicMs();
    if (message.headers?.code === STATUS && message.data.length === 0)
      return this.#onStatus(message);
    const place = parsePlace(message.reply ?? "");
    if (place === undefined) return; // Not from the consumer.
    if (place.consumerSeq !== this.#delivered + 1) return this.#end("gap");
    this.#delivered = place.consumerSeq;
    this.#parts.listener.onMessage({ message, seq: place.streamSeq, stampMs: place.stampMs });
    if (place.pending === 0) this.#catchUp();
  }

  #onStatus(message: NatsMessageLike): void {
    const { headers, reply = "" } = message;
    // A request for flow control, or a heartbeat of a consumer that waits for the answer to one.
    const waiting = headers?.get("Nats-Consumer-Stalled") ?? "";
    for (const subject of [reply, waiting]) {
      // Never publish to a subject that somebody else made up.
      if (subject.startsWith("$JS.FC.")) this.#parts.link.connection.publish(subject);
    }
    const last = headers?.get("Nats-Last-Consumer") ?? "";
    if (last === "") return;
    if (Number(last) !== this.#delivered) return this.#end("gap");
    this.#catchUp();
    this.#parts.listener.onHeartbeat();
  }

  #catchUp(): void {
    if (this.#caughtUp || this.#ended) return;
    this.#caughtUp = true;
    this.#parts.listener.onCaughtUp();
  }

  #arm(delayMs: Ms): void {
    const { time } = this.#parts.runtime;
    const dueMs = time.monotonicMs() + delayMs;
    this.#timer?.cancel();
    const judge = (): void => {
      if (this.#ended) return;
      const nowMs = time.monotonicMs();
      const quietMs = nowMs - this.#heardMs;
      // We were late ourselves: what has arrived meanwhile is read before anyone is accused.
      if (nowMs - dueMs > STALL_MS) return this.#arm(STALL_MS);
      if (quietMs >= SILENCE_MS) return this.#end("silence");
      this.#arm(SILENCE_MS - quietMs);
    };
    this.#timer = time.setTimer(delayMs, judge, { keepAlive: false });
  }

  #end(end: DeliveryEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#unlisten();
    try {
      this.#subscription?.unsubscribe();
    } catch {
      // A closed connection has no subscriptions left to end.
    }
    this.#parts.listener.onEnd(end);
  }
}

function consumerConfig(name: string, deliverTo: string, filter: string): object {
  return {
    name,
    deliver_subject: deliverTo,
    deliver_policy: "last_per_subject",
    filter_subject: filter,
    ack_policy: "none",
    replay_policy: "instant",
    max_deliver: 1,
    flow_control: true,
    idle_heartbeat: HEARTBEAT_MS * 1_000_000,
    inactive_threshold: INACTIVE_MS * 1_000_000,
    mem_storage: true,
    num_replicas: 1,
  };
}

/** Where a delivered message stands. */
export interface Place {
  readonly streamSeq: number;
  readonly consumerSeq: number;
  readonly stampMs: Ms;
  readonly pending: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>`;
 * newer servers may put domain and account behind `$JS.ACK`, and a token at the end.
 */
export function parsePlace(reply: string): Place | undefined {
  const tokens = reply.split(".");
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK") return undefined;
  if (tokens.length !== 9 && tokens.length < 11) return undefined;
  const at = tokens.length === 9 ? 2 : 4;
  const [streamSeq, consumerSeq, stampNs, pending] = tokens.slice(at + 3, at + 7).map(Number);
  const numbers = [streamSeq, consumerSeq, stampNs, pending];
  if (!numbers.every((value) => value !== undefined && Number.isFinite(value))) return undefined;
  return {
    streamSeq: streamSeq ?? 0,
    consumerSeq: consumerSeq ?? 0,
    stampMs: (stampNs ?? 0) / 1_000_000,
    pending: pending ?? 0,
  };
}
