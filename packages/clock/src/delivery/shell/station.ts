/**
 * A machine's station on the bus: frames in, frames out, a tick now and then, and the end of it.
 *
 * All that the four shells share. Effects are carried out in order; what is for the user goes to
 * the shell. The bus may lose anything, so a frame that cannot be sent is let go with an event: the
 * machines find and repair what is missing.
 */
import {
  deferred,
  type Deferred,
  type EventChannel,
  Lifecycle,
  linkedController,
  type Message,
  type MessageBus,
  QuorateError,
  raceAbort,
  type Subscription,
  type Timer,
} from "@quorate/core";

import type { SendEffect } from "../fifo/effects.ts";
import { decodeFrame, encodeFrame, type Frame } from "../wire/frames.ts";
import { type DeliveryEvent, deliveryEvents, type DeliverySubject } from "./events.ts";
import type { CheckedGroup } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { type OrderName, subjectOf, subjectOfAll } from "./subjects.ts";

/** Inputs that every machine takes. */
type CommonInput =
  | { readonly kind: "receive"; readonly frame: Frame }
  | { readonly kind: "tick" }
  | { readonly kind: "flow"; readonly isFlowing: boolean };

/** Frames on their way into the bus at most; more are let go. */
const MAX_SENDING = 4_096;
/** What a machine may add to a message: stamps, names, items of a flush. */
const ROOM_BYTES = 131_072;

/** What a shell adds. */
export interface StationOptions<I, E, D, N> {
  readonly order: OrderName;
  readonly bus: MessageBus;
  readonly group: CheckedGroup<D, N>;
  readonly step: (input: I | CommonInput, nowMs: number) => readonly (E | SendEffect)[];
  /** Everything but sending. */
  readonly onEffect: (effect: E) => void;
  /** After the machine has looked at a frame, or at the time: nothing, unless the shell cares. */
  readonly onFrame?: (frame: Frame) => void;
}

/** One machine on one bus. */
export class Station<I, E extends { readonly kind: string }, D, N> {
  readonly lifecycle: Lifecycle;
  readonly outlet: Outlet<D>;
  readonly #options: StationOptions<I, E, D, N>;
  readonly #subject: DeliverySubject;
  readonly #events: EventChannel<DeliveryEvent>;
  readonly #sending = new Set<Promise<void>>();
  #subscriptions: readonly Subscription[] = [];
  #timer: Timer | undefined;
  /** Settled whenever there may be room again. */
  #change: Deferred<void> = deferred();

  constructor(options: StationOptions<I, E, D, N>) {
    const { group, order } = options;
    const { runtime, self, handler, maxUnread } = group;
    this.#options = options;
    this.#subject = { order, group: group.group, self };
    this.#events = deliveryEvents(runtime);
    this.lifecycle = new Lifecycle(`the ${order} group ${group.group}`, runtime);
    this.outlet = new Outlet<D>({
      handler,
      maxUnread,
      onFlow: (isFlowing) => {
        this.input({ kind: "flow", isFlowing });
        this.changed();
      },
      onHandlerFailed: (error) => this.tell({ kind: "handler-failed", error }),
    });
  }

  /** Hears the group from here on. */
  async start(): Promise<void> {
    const { bus, group, order } = this.#options;
    const receive = (message: Message): void => this.#receive(message.data);
    const all = subjectOfAll(group.group, order);
    const own = subjectOf(group.group, order, group.self);
    const made = await Promise.allSettled(
      [all, own].map((subject) => bus.subscribe(subject, receive)),
    );
    this.#subscriptions = made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = made.find((one) => one.status === "rejected");
    if (failed !== undefined) {
      await this.close();
      throw failed.reason;
    }
    this.#schedule();
    this.input({ kind: "tick" });
  }

  /** Hands the machine an input, and does what it asks for. */
  input(input: I | CommonInput): void {
    if (this.lifecycle.isClosed) return;
    const nowMs = this.#options.group.runtime.time.monotonicMs();
    for (const effect of this.#options.step(input, nowMs)) {
      if (isSend(effect)) this.#send(effect);
      else this.#options.onEffect(effect);
    }
  }

  /** Resolves when `isReady`; looks again after each `changed()`. */
  async until(isReady: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    this.lifecycle.assertOpen();
    if (isReady()) return;
    const either = linkedController(signal, this.lifecycle.stopping);
    try {
      while (!isReady()) await raceAbort(this.#change.promise, either.signal);
    } finally {
      either.detach();
    }
  }

  /**
   * Resolves when there was room for a publication. Look again before it is used: another one may
   * have taken it while this one woke up.
   *
   * @throws ABORTED by `signal`: nothing was sent. CLOSED the group was closed meanwhile.
   */
  async untilRoom(hasRoom: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    try {
      signal?.throwIfAborted();
      await this.until(hasRoom, signal);
    } catch (error) {
      this.lifecycle.assertOpen();
      throw aborted(error);
    }
  }

  /** Something that somebody waits for may have come true. */
  changed(): void {
    this.#change.resolve();
    this.#change = deferred();
  }

  /** Resolves when the frames on their way were handed to the bus, or let go. */
  async sent(): Promise<void> {
    if (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  /** Tells observers. */
  tell(event: DistributiveOmit<DeliveryEvent, keyof DeliverySubject>): void {
    if (this.#events.hasSubscribers) {
      this.#events.publish({ ...this.#subject, ...event });
    }
  }

  /** Tells observers and the user. */
  notice(notice: N & DistributiveOmit<DeliveryEvent, keyof DeliverySubject>): void {
    this.tell(notice);
    try {
      this.#options.group.onNotice?.(notice);
    } catch (error) {
      this.tell({ kind: "handler-failed", error });
    }
  }

  /** `data` if it may be sent: bytes, not too many. A copy. */
  checkData(data: Uint8Array): Uint8Array {
    const { maxMessageBytes: limit } = this.#options.group;
    const size = data instanceof Uint8Array ? data.byteLength : 0;
    if (!(data instanceof Uint8Array)) {
      const details = { option: "data", value: typeof data };
      throw new QuorateError("INVALID_ARGUMENT", "data must be a Uint8Array", {
        effect: "none",
        details,
      });
    }
    if (size <= limit) return new Uint8Array(data);
    const message = `data has size ${size}, at most ${limit} is allowed; raise maxMessageBytes`;
    const details = { option: "data", size, limit };
    throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
  }

  /** Hears and says nothing more; resolves when a handler at work has ended. */
  close(): Promise<void> {
    return this.lifecycle.close(0, async () => {
      this.#timer?.cancel();
      await Promise.allSettled([
        ...this.#subscriptions.map((subscription) => subscription.close()),
        this.outlet.close(),
      ]);
    });
  }

  #receive(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes, this.#options.group.maxMessageBytes + ROOM_BYTES);
    if (frame === undefined) return this.tell({ kind: "malformed", bytes: bytes.byteLength });
    this.input({ kind: "receive", frame });
    this.#options.onFrame?.(frame);
  }

  #send({ to, frame }: SendEffect): void {
    if (this.#sending.size >= MAX_SENDING) return;
    const { bus, order, group } = this.#options;
    const subject =
      to === undefined ? subjectOfAll(group.group, order) : subjectOf(group.group, order, to);
    const { stopping: signal } = this.lifecycle;
    const sending: Promise<void> = bus
      .publish(subject, encodeFrame(frame), { signal })
      .catch((error: unknown) => this.tell({ kind: "send-failed", error }))
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  #schedule(): void {
    if (this.lifecycle.isClosed) return;
    const { runtime, tickMs } = this.#options.group;
    const tick = (): void => {
      this.input({ kind: "tick" });
      this.#schedule();
    };
    this.#timer = runtime.time.setTimer(tickMs, tick, { keepAlive: false });
  }
}

/** `Omit`, for each member of a union. */
export type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function isSend(effect: { readonly kind: string }): effect is SendEffect {
  return effect.kind === "send";
}

/** The error of a publication that was called off before anything was sent. */
function aborted(cause: unknown): QuorateError<"ABORTED"> {
  const message = "the publication was called off; nothing was sent";
  const details = { operation: "delivery.publish" };
  return new QuorateError("ABORTED", message, { effect: "none", details, cause });
}
