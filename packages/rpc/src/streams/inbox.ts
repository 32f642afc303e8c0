/**
 * The inbox of a client's streams: one subscription, begun with the first stream, and who waits
 * for which frame.
 *
 * Guarantees: a frame that no open stream waits for, or that is none, is dropped and counted.
 */
import { deferred, type Message, type MessageBus, type Subscription } from "@quorate/core";
import { inboxSubject } from "../subjects.ts";
import { decodeFrame, type WireFrame } from "./wire.ts";

/** Who waits for the frames of one call. */
export interface FrameSink {
  /** False: the frame is not of this stream after all. */
  onFrame(frame: WireFrame): boolean;
}

/** What an inbox counts. */
export interface InboxCounts {
  /** Frames of no open stream: late, foreign, or of an instance that was not accepted. */
  strayFrames: number;
  /** Messages that were no frames. */
  unreadable: number;
}

/** Receives the frames of one client. */
export class Inbox {
  /** This life of the client. */
  readonly client: string;
  readonly counts: InboxCounts = { strayFrames: 0, unreadable: 0 };
  readonly #bus: MessageBus;
  readonly #maxBytes: () => number;
  readonly #sinks = new Map<number, FrameSink>();
  #subscription: Promise<Subscription> | undefined;

  constructor(bus: MessageBus, client: string, maxBytes: () => number) {
    this.#bus = bus;
    this.client = client;
    this.#maxBytes = maxBytes;
  }

  /** Resolves when frames can arrive. @throws STORE_UNAVAILABLE; the next call tries again. */
  async ready(): Promise<void> {
    if (this.#subscription === undefined) {
      const made = deferred<Subscription>();
      this.#subscription = made.promise;
      const asked = this.#bus.subscribe(inboxSubject(this.client), this.#onMessage);
      asked.then(made.resolve, (error: unknown) => {
        this.#subscription = undefined;
        made.reject(error);
      });
    }
    await this.#subscription;
  }

  /** Frames of the call `id` go to `sink`. */
  add(id: number, sink: FrameSink): void {
    this.#sinks.set(id, sink);
  }

  /** No more frames of the call go to `sink`. */
  remove(id: number, sink: FrameSink): void {
    if (this.#sinks.get(id) === sink) this.#sinks.delete(id);
  }

  async close(): Promise<void> {
    this.#sinks.clear();
    const subscription = await this.#subscription?.catch(() => undefined);
    await subscription?.close();
  }

  /** Never throws. */
  readonly #onMessage = (message: Message): void => {
    const frame = decodeFrame(message.data, this.#maxBytes());
    if (frame === undefined) return void (this.counts.unreadable += 1);
    const sink = this.#sinks.get(frame.id);
    if (sink === undefined || !sink.onFrame(frame)) this.counts.strayFrames += 1;
  };
}
