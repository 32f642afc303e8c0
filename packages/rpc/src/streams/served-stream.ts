/**
 * One stream at the server: pulls the handler's generator as far as there is credit, and sends.
 *
 * The generator is asked for one item at a time and only while the client may receive one, so a
 * handler that reads a table holds a row and not the table. Whatever ends the stream early (the
 * client left, its time is over, the consumer stands still, the server closes) aborts the call's
 * signal and then calls the generator's `return()`: its `finally` runs.
 *
 * Guarantees: never rejects; the handler's error goes out after the items before it.
 * Does not guarantee that a generator stops which waits for something and ignores its signal: its
 * `finally` runs when that wait ends.
 */
import {
  deferred,
  type Deferred,
  type MessageBus,
  type Ms,
  onAbort,
  type Parsed,
  raceAbort,
  type Runtime,
  type Timer,
} from "@quorate/core";
import type { Method } from "../contract.ts";
import { inboxSubject } from "../subjects.ts";
import type { WireFailure } from "../wire/answer.ts";
import { failure, failureOf } from "../wire/to-failure.ts";
import type { StreamWindow } from "../wire/window.ts";
import type { Credit } from "./credit.ts";
import type { ServeStreamSettings } from "./options.ts";
import { StreamSender } from "./sender.ts";
import { cancelledError, deadlineError } from "./stream-errors.ts";
import { encodeFrame, FRAME_HEAD_BYTES } from "./wire.ts";

/** The call that a stream answers. */
export interface StreamCall {
  readonly service: string;
  readonly client: string;
  readonly id: number;
  readonly spec: Method;
  /** End of the whole stream on this process's monotonic clock; Infinity: none. */
  readonly deadlineMs: Ms;
  /** The handler's own: aborts when somebody cancels the call, for whatever reason. */
  readonly signal: AbortSignal;
  /** Aborts `signal`. */
  abort(reason: unknown): void;
}

/** What streams need of their server. */
export interface HostParts extends ServeStreamSettings {
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  /** Name of this instance, under which it hears words. */
  readonly instance: string;
  /** Most bytes of a message. */
  maxBytes(): number;
  /** The handler of `call` threw what its caller is not told. */
  onError(call: StreamCall, error: unknown): void;
}

type Source = AsyncIterator<unknown> | Iterator<unknown>;

/** Serves one stream. */
export class ServedStream {
  /**
   * Resolves when all is over, the generator's `finally` included: to nothing where the items came
   * to their end, else to why they did not.
   */
  readonly done: Promise<WireFailure | undefined>;
  readonly #call: StreamCall;
  readonly #items: unknown;
  readonly #parts: HostParts;
  readonly #sender: StreamSender<WireFailure>;
  readonly #sent: Deferred<void> = deferred<void>();
  readonly #unlisten: { off: () => void } = { off: () => {} };
  /** True once the generator has ended by itself: there is nothing to clean up then. */
  #isRead = false;
  readonly #itemBytes: number;
  #room: Deferred<void> | undefined;
  #told: WireFailure | undefined;
  #isPublishing = false;
  #wake: { readonly atMs: Ms; readonly timer: Timer } | undefined;

  constructor(call: StreamCall, window: StreamWindow, items: unknown, parts: HostParts) {
    this.#call = call;
    this.#items = items;
    this.#parts = parts;
    const { id } = call;
    this.#itemBytes = parts.maxBytes() - FRAME_HEAD_BYTES;
    this.#sender = new StreamSender<WireFailure>({
      credit: window,
      keepAliveMs: window.keepAliveMs,
      stallMs: parts.stallMs,
      frameBytes: Math.min(FRAME_BYTES, this.#itemBytes),
      encode: (batch) => encodeFrame(id, parts.instance, batch),
      nowMs: this.#nowMs,
    });
    this.#unlisten.off = onAbort(call.signal, () => this.#cut(failure("ABORTED", "unknown")));
    this.#flush();
    this.done = this.#serve();
  }

  /** The client was heard. */
  heard(credit: Credit): void {
    this.#sender.heard(credit, this.#nowMs);
    this.#flush();
  }

  /** The client wants no more, and hears nothing more. */
  stop(): void {
    this.#drop("the client left the stream");
  }

  /** This server ends the stream, and says so. */
  end(why: string, told: WireFailure): void {
    this.#cut(told);
    this.#call.abort(cancelledError(this.#call, why));
  }

  get #nowMs(): Ms {
    return this.#parts.runtime.time.monotonicMs();
  }

  async #serve(): Promise<WireFailure | undefined> {
    let source: Source | undefined;
    try {
      source = iteratorOf(await this.#items, this.#call.spec.name);
      await this.#pump(source);
    } catch (error) {
      // Of a stream that was cut the handler's error says nothing that its reader waits for.
      if (!this.#call.signal.aborted) await this.#fail(error);
    }
    this.#flush();
    await Promise.all([this.#sent.promise, this.#isRead ? undefined : leave(source)]);
    this.#unlisten.off();
    return this.#told;
  }

  async #fail(error: unknown): Promise<void> {
    const told = await failureOf(error, this.#call.spec);
    if (told.code === "REMOTE_FAILED" && told.data === undefined) {
      this.#parts.onError(this.#call, error);
    }
    this.#refuse(told);
  }

  /** To the end of the source, or until there is nobody to send to. */
  async #pump(source: Source): Promise<void> {
    const { signal } = this.#call;
    for (;;) {
      while (!this.#sender.wantsItem && !signal.aborted) await this.#whenRoom();
      signal.throwIfAborted();
      const step = await raceAbort(Promise.resolve(source.next()), signal);
      if (step.done === true) {
        this.#isRead = true;
        return this.#sender.end({ kind: "done" });
      }
      const checked = this.#call.spec.output(step.value);
      const text = this.#textOf(checked instanceof Promise ? await checked : checked);
      if (text === undefined) return;
      this.#sender.push(text, this.#nowMs);
      this.#flush();
    }
  }

  /** The item as its schema makes it; `undefined`: it ended the stream. */
  #textOf(parsed: Parsed): string | undefined {
    const text = parsed.ok ? jsonOf(parsed.value) : undefined;
    if (text === undefined) return this.#refuse(failure("CONTRACT_MISMATCH", "unknown", ITEM));
    const bytes = Buffer.byteLength(text);
    const limit = this.#itemBytes;
    if (bytes <= limit) return text;
    return this.#refuse(failure("TOO_LARGE", "applied", { numbers: [bytes, limit] }));
  }

  #refuse(told: WireFailure): undefined {
    this.#told ??= told;
    this.#sender.end({ kind: "failed", failure: told });
    return undefined;
  }

  /** Ends what is sent; the pump sees it by the signal, or at its next turn. */
  #cut(told: WireFailure | undefined): void {
    if (!this.#isRead) this.#told ??= told ?? failure("ABORTED", "unknown");
    if (told !== undefined) this.#sender.end({ kind: "failed", failure: told });
    this.#flush();
    this.#room?.resolve();
  }

  /** Ends it without a word: there is nobody to hear it. */
  #drop(why: string): void {
    this.#sender.drop();
    this.#cut(undefined);
    this.#call.abort(cancelledError(this.#call, why));
  }

  #whenRoom(): Promise<void> {
    this.#room = deferred<void>();
    return this.#room.promise;
  }

  /** Sends what is due, one message after the other, and comes back when more may be. */
  #flush(): void {
    if (this.#sender.wantsItem) this.#room?.resolve();
    if (this.#isPublishing) return;
    const data = this.#sender.take(this.#nowMs);
    if (data === undefined) return this.#rest();
    this.#isPublishing = true;
    this.#parts.bus.publish(inboxSubject(this.#call.client), data).then(
      () => this.#published(),
      () => this.#lost(),
    );
  }

  #published(): void {
    this.#isPublishing = false;
    this.#flush();
  }

  /** A frame did not go out, so the client finds a gap, or silence: more frames are of no use. */
  #lost(): void {
    this.#isPublishing = false;
    this.#drop("a frame of the stream could not be sent");
  }

  #rest(): void {
    if (this.#sender.isOver) {
      this.#wake?.timer.cancel();
      this.#wake = undefined;
      return this.#sent.resolve();
    }
    const atMs = Math.min(this.#sender.dueMs(), this.#call.deadlineMs);
    if (this.#wake !== undefined && this.#wake.atMs <= atMs) return; // It comes round before.
    this.#wake?.timer.cancel();
    const delayMs = Math.max(0, atMs - this.#nowMs);
    const timer = this.#parts.runtime.time.setTimer(delayMs, () => this.#tick(), UPKEEP);
    this.#wake = { atMs, timer };
  }

  #tick(): void {
    this.#wake = undefined;
    const nowMs = this.#nowMs;
    const verdict = this.#sender.judge(nowMs);
    if (verdict === "silent") return this.#drop("the client of the stream is silent");
    if (verdict === "stalled") {
      const told = failure("TIMEOUT", "unknown", { word: "stalled" });
      return this.end("the consumer of the stream stands still", told);
    }
    if (nowMs >= this.#call.deadlineMs && !this.#sender.isOver) {
      this.#cut(failure("TIMEOUT", "unknown"));
      this.#call.abort(deadlineError(this.#call));
    }
    this.#flush();
  }
}

/** Item bytes at which a frame is full: some hundred items, and a copy that costs little. */
const FRAME_BYTES = 32_768;
const ITEM = { word: "output" } as const;
const UPKEEP = { keepAlive: false } as const;

function iteratorOf(items: unknown, method: string): Source {
  const source = items as Partial<AsyncIterable<unknown> & Iterable<unknown>> | undefined;
  const iterator = source?.[Symbol.asyncIterator]?.() ?? source?.[Symbol.iterator]?.();
  if (iterator !== undefined) return iterator;
  throw new TypeError(`the handler of ${method} must return an async iterable`);
}

/** Lets the source clean up. What it throws then has no reader. */
async function leave(source: Source | undefined): Promise<void> {
  try {
    await source?.return?.();
  } catch {
    // The stream had ended before.
  }
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
