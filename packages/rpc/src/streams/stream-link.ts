/**
 * One attempt at a stream, as its client holds it: the receiver with its wires.
 *
 * It is known to the inbox before its request leaves, because the first frame may overtake the
 * answer. Until it is begun it says nothing: an attempt that another has overtaken falls silent,
 * and its server ends it by itself.
 *
 * Guarantees: one timer; no word after the end but the one that says stop.
 */
import {
  deferred,
  type Deferred,
  type MessageBus,
  type Ms,
  type Runtime,
  type Timer,
} from "@quorate/core";
import { instanceSubject, type ServiceName } from "../subjects.ts";
import type { WireFailure } from "../wire/answer.ts";
import type { StreamWindow } from "../wire/window.ts";
import type { Inbox } from "./inbox.ts";
import type { ClientStreamSettings } from "./options.ts";
import { type Loss, StreamReceiver, type Taken } from "./receiver.ts";
import { encodeWord, type WireFrame } from "./wire.ts";

/** What a link is made of. */
export interface LinkParts {
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  readonly service: ServiceName;
  readonly inbox: Inbox;
  readonly settings: ClientStreamSettings;
  /** Most bytes of a message. */
  readonly maxBytes: number;
  readonly idleMs: Ms;
  /** End of the whole stream on this process's monotonic clock; Infinity: none. */
  readonly deadlineMs: Ms;
}

const UPKEEP = { keepAlive: false } as const;

/** One attempt at a stream. */
export class StreamLink {
  readonly #parts: LinkParts;
  readonly #receiver: StreamReceiver<WireFailure>;
  #id = 0;
  #instance: string | undefined;
  #more: Deferred<void> | undefined;
  #wake: { readonly atMs: Ms; readonly timer: Timer } | undefined;
  #isBegun = false;
  #isClosed = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    const { windowBytes, windowItems, keepAliveMs } = parts.settings;
    this.#receiver = new StreamReceiver<WireFailure>({
      window: { items: windowItems, bytes: windowBytes },
      keepAliveMs,
      idleMs: parts.idleMs,
      slackBytes: parts.maxBytes,
      nowMs: this.#nowMs,
    });
  }

  /** What the request says of the stream. */
  get window(): StreamWindow {
    const { deadlineMs, settings } = this.#parts;
    const { keepAliveMs, windowBytes: bytes, windowItems: items } = settings;
    const leftMs = deadlineMs === Infinity ? undefined : Math.max(0, deadlineMs - this.#nowMs);
    return { items, bytes, keepAliveMs, leftMs };
  }

  /** Items received. */
  get items(): number {
    return this.#receiver.items;
  }

  /** Who sends; `undefined`: not known yet. */
  get instance(): string | undefined {
    return this.#instance;
  }

  /** The request has left under this number. */
  sent(id: number): void {
    this.#id = id;
    this.#parts.inbox.add(id, this);
  }

  /** The server has accepted. A request that was delivered twice has two who send: one is heard. */
  accepted(instance: string): this {
    this.#instance ??= instance;
    return this;
  }

  /** From now on the server is waited for, and hears from here. */
  begin(): void {
    this.#isBegun = true;
    this.#receiver.begin(this.#nowMs);
    this.#arm();
  }

  /** A frame for this call arrived; false: it is none of this stream. */
  onFrame(frame: WireFrame): boolean {
    this.#instance ??= frame.instance;
    if (frame.instance !== this.#instance) return false;
    const fate = this.#receiver.receive(frame, this.#nowMs);
    this.#tellReader();
    return fate !== "late";
  }

  /** The next item, or the end; `undefined`: wait for `whenMore`. */
  take(): Taken<WireFailure> | undefined {
    const taken = this.#receiver.take(this.#nowMs);
    if (taken?.kind === "item") {
      this.#speak();
      if (this.#parts.idleMs !== Infinity) this.#arm();
    }
    return taken;
  }

  /** Resolves when there may be more to take, or the link is closed. */
  whenMore(): Promise<void> {
    this.#more ??= deferred<void>();
    return this.#more.promise;
  }

  /** Ends the stream from this side, after what was received. */
  lose(why: Loss): void {
    this.#receiver.lose(why);
    this.#tellReader();
  }

  /** Forgets it, and tells the server to stop unless it has ended it itself. Twice is fine. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake?.timer.cancel();
    this.#parts.inbox.remove(this.#id, this);
    const { end } = this.#receiver;
    this.#receiver.drop();
    this.#tellReader();
    if (end === undefined || end.kind === "lost") this.#say(undefined);
  }

  get #nowMs(): Ms {
    return this.#parts.runtime.time.monotonicMs();
  }

  #tellReader(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }

  #speak(): void {
    const credit = this.#isBegun ? this.#receiver.word(this.#nowMs) : undefined;
    if (credit !== undefined) this.#say(credit);
  }

  /** Best effort: a grant that is lost is made good by the next. */
  #say(credit: Parameters<typeof encodeWord>[0]["credit"]): void {
    if (this.#instance === undefined) return;
    const { bus, inbox, service } = this.#parts;
    const bytes = encodeWord({ client: inbox.client, id: this.#id, credit });
    // What a server calls itself may be no name at all; then there is nobody to tell.
    bus.publish(instanceSubject(service, this.#instance), bytes).catch(() => {});
  }

  #arm(): void {
    if (this.#isClosed || this.#receiver.end !== undefined) return;
    const atMs = Math.min(this.#receiver.dueMs(), this.#parts.deadlineMs);
    if (this.#wake !== undefined && this.#wake.atMs <= atMs) return;
    this.#wake?.timer.cancel();
    const delayMs = Math.max(0, atMs - this.#nowMs);
    const timer = this.#parts.runtime.time.setTimer(delayMs, () => this.#tick(), UPKEEP);
    this.#wake = { atMs, timer };
  }

  #tick(): void {
    this.#wake = undefined;
    if (this.#nowMs >= this.#parts.deadlineMs) this.#receiver.lose("deadline");
    this.#receiver.judge(this.#nowMs);
    this.#speak();
    if (this.#receiver.end !== undefined) this.#tellReader();
    this.#arm();
  }
}
