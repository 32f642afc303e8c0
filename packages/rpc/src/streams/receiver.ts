/**
 * The receiving half of a stream, on the client: order, credit, and what ends it.
 *
 * Frames are numbered by their first item. One that continues what is here is taken, one that
 * repeats it is a duplicate, one that leaves something out is a gap: the bus keeps the order of a
 * publisher, so what was left out was lost, and a stream with a hole is no stream. Whatever ends
 * it, what was received is still given to the consumer first.
 *
 * Sans-I/O: no timer, no bus. The shell hands in frames, asks `word` what to tell the server and
 * `dueMs` when to come back, then calls `judge`.
 *
 * Guarantees: items in order, each once, none invented by a foreign frame that does not fit; holds
 * at most the window's items, and its bytes and one frame more.
 * Does not guarantee that the server's generator has ended: that is what the word to stop is for,
 * and, where it is lost, the server's own bound on silence.
 */
import type { Json, Ms } from "@quorate/core";
import { type Credit, SILENT_PERIODS } from "./credit.ts";
import type { SentEnd } from "./sender.ts";

/** A frame that arrived, of this stream. */
export interface Frame<F> {
  /** Number of its first item, or of the next one. */
  readonly first: number;
  readonly items: readonly Json[];
  readonly end: SentEnd<F> | undefined;
  /** How long the message was. */
  readonly bytes: number;
}

/**
 * Why a stream ended without the server's word:
 *
 * - `gap`: a frame was lost
 * - `silent`: no frame for three keep-alive periods
 * - `overrun`: the server sent more than it was granted
 * - `idle`: the server lives, and sent no item within the idle timeout
 * - `deadline`: the whole stream's time is over
 * - `gone`: the registry says that its instance has died
 */
export type Loss = "gap" | "silent" | "overrun" | "idle" | "deadline" | "gone";

/** How a stream ended. */
export type ReceivedEnd<F> = SentEnd<F> | { readonly kind: "lost"; readonly why: Loss };

/** What a receiver is made of. */
export interface ReceiverOptions {
  /** Most that may be on its way or unread. */
  readonly window: Credit;
  readonly keepAliveMs: Ms;
  /** Longest wait for an item; Infinity: no bound. */
  readonly idleMs: Ms;
  /** By how much one frame may go over the window's bytes. */
  readonly slackBytes: number;
  readonly nowMs: Ms;
}

/** What the consumer is given. */
export type Taken<F> =
  | { readonly kind: "item"; readonly value: Json }
  | { readonly kind: "ended"; readonly end: ReceivedEnd<F> };

/** What became of a frame. */
export type Fate = "taken" | "duplicate" | "late" | "fatal";

interface Unread {
  readonly items: readonly Json[];
  readonly bytes: number;
  /** Items of it that the consumer has. */
  given: number;
}

/** Receives one stream. */
export class StreamReceiver<F> {
  readonly #options: ReceiverOptions;
  #unread: Unread[] = [];
  #end: ReceivedEnd<F> | undefined;
  #received: Credit = { items: 0, bytes: 0 };
  #given: Credit = { items: 0, bytes: 0 };
  #granted: Credit;
  #lastHeardMs: Ms;
  #lastWordMs: Ms;
  #emptySinceMs: Ms;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#granted = options.window;
    this.#lastHeardMs = options.nowMs;
    this.#lastWordMs = options.nowMs;
    this.#emptySinceMs = options.nowMs;
  }

  /** Items received, whether or not the consumer has them. */
  get items(): number {
    return this.#received.items;
  }

  /** What ended the stream; `undefined`: it goes on. Items may still be unread. */
  get end(): ReceivedEnd<F> | undefined {
    return this.#end;
  }

  /** The server has accepted: from now on it is waited for. */
  begin(nowMs: Ms): void {
    this.#lastHeardMs = nowMs;
    this.#lastWordMs = nowMs;
    this.#emptySinceMs = nowMs;
  }

  /** Ends the stream from this side, after what was received. Nothing if it has ended. */
  lose(why: Loss): void {
    this.#end ??= { kind: "lost", why };
  }

  /** A frame of this stream arrived. `fatal`: it ended the stream by what it said or left out. */
  receive(frame: Frame<F>, nowMs: Ms): Fate {
    if (this.#end !== undefined) return "late";
    this.#lastHeardMs = nowMs;
    const { items } = this.#received;
    if (frame.first < items) return "duplicate";
    if (frame.first > items) return this.#fatal("gap");
    if (frame.items.length > 0 && !this.#fits(frame)) return this.#fatal("overrun");
    this.#keep(frame);
    this.#end = frame.end;
    return "taken";
  }

  /** The next item, then the end; `undefined`: wait. */
  take(nowMs: Ms): Taken<F> | undefined {
    const [oldest] = this.#unread;
    if (oldest === undefined) {
      return this.#end === undefined ? undefined : { kind: "ended", end: this.#end };
    }
    const value = oldest.items[oldest.given] as Json;
    oldest.given += 1;
    const isRead = oldest.given === oldest.items.length;
    this.#given = {
      items: this.#given.items + 1,
      bytes: this.#given.bytes + (isRead ? oldest.bytes : 0),
    };
    if (isRead) this.#unread.shift();
    if (this.#unread.length === 0) this.#emptySinceMs = nowMs;
    return { kind: "item", value };
  }

  /** The consumer left, or the shell ends the stream: what is unread is forgotten. */
  drop(): void {
    this.#unread = [];
    this.#end ??= { kind: "done" };
  }

  /** What to grant now: when half the window is free, or a keep-alive is due; else `undefined`. */
  word(nowMs: Ms): Credit | undefined {
    if (this.#end !== undefined) return undefined;
    const { window, keepAliveMs } = this.#options;
    const items = this.#given.items + window.items;
    const bytes = this.#given.bytes + window.bytes;
    const isFreed =
      2 * (items - this.#granted.items) >= window.items ||
      2 * (bytes - this.#granted.bytes) >= window.bytes;
    if (!isFreed && nowMs < this.#lastWordMs + keepAliveMs) return undefined;
    this.#granted = { items, bytes };
    this.#lastWordMs = nowMs;
    return this.#granted;
  }

  /** When to come back. Infinity: never by itself. */
  dueMs(): Ms {
    if (this.#end !== undefined) return Infinity;
    const wordMs = this.#lastWordMs + this.#options.keepAliveMs;
    return Math.min(wordMs, this.#silentAtMs(), this.#idleAtMs());
  }

  /**
   * Ends the stream if the server has been silent or idle too long at `nowMs`. A call that comes
   * later than it should by more than a keep-alive period was made by a process that stood still:
   * what arrived meanwhile has not been read, so the server gets another period.
   */
  judge(nowMs: Ms): void {
    if (this.#end !== undefined) return;
    const { keepAliveMs } = this.#options;
    const dueMs = Math.min(this.#silentAtMs(), this.#idleAtMs());
    if (nowMs - dueMs > keepAliveMs) {
      this.#lastHeardMs = nowMs - (SILENT_PERIODS - 1) * keepAliveMs;
      this.#emptySinceMs = Math.max(this.#emptySinceMs, nowMs + keepAliveMs - this.#options.idleMs);
    } else if (nowMs >= this.#silentAtMs()) this.lose("silent");
    else if (nowMs >= this.#idleAtMs()) this.lose("idle");
  }

  #silentAtMs(): Ms {
    return this.#lastHeardMs + SILENT_PERIODS * this.#options.keepAliveMs;
  }

  /** With items unread it is the consumer who is waited for. */
  #idleAtMs(): Ms {
    return this.#unread.length > 0 ? Infinity : this.#emptySinceMs + this.#options.idleMs;
  }

  #fits(frame: Frame<F>): boolean {
    const { items, bytes } = this.#received;
    if (items + frame.items.length > this.#granted.items) return false;
    return bytes + frame.bytes <= this.#granted.bytes + this.#options.slackBytes;
  }

  #keep(frame: Frame<F>): void {
    const count = frame.items.length;
    if (count === 0) return;
    const { items, bytes } = this.#received;
    this.#received = { items: items + count, bytes: bytes + frame.bytes };
    this.#unread.push({ items: frame.items, bytes: frame.bytes, given: 0 });
  }

  #fatal(why: Loss): "fatal" {
    this.lose(why);
    return "fatal";
  }
}
