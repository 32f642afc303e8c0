/**
 * The sending half of a stream, on the server: what may be asked of the source, what goes out when.
 *
 * Items wait here until a frame is due. The first goes out at once; those that follow within a
 * millisecond share a frame, so that a source which yields ten thousand rows sends some hundred
 * frames, and one that yields a row a second is not kept waiting. When nothing is sent for a
 * keep-alive period an empty frame says that the stream lives, and, by its number, what should have
 * arrived before.
 *
 * Sans-I/O: no timer, no bus. The shell asks `dueMs` when to come back, then `judge` and `take`.
 *
 * Guarantees: never more items than the client's credit, and never more bytes by more than one
 * item; holds at most one frame and one item, whatever credit a client names; the end goes out
 * after every item.
 * Does not guarantee that anything arrives: the bus delivers at most once.
 */
import type { Ms } from "@quorate/core";
import { type Credit, laterCredit, SILENT_PERIODS } from "./credit.ts";

/** Least time between two frames that are not full. */
const SPACING_MS = 1;

/** What goes out in one frame. */
export interface Batch<F> {
  /** Number of its first item, from 0; of the next one where it has none. */
  readonly first: number;
  /** JSON texts. */
  readonly items: readonly string[];
  /** There if this is the last frame. */
  readonly end: SentEnd<F> | undefined;
}

/** How the server ends a stream. */
export type SentEnd<F> =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: F };

/** What a sender is made of. */
export interface SenderOptions<F> {
  /** What the client granted with its call. */
  readonly credit: Credit;
  /** Longest silence of either side, as the client named it. */
  readonly keepAliveMs: Ms;
  /** Longest time without credit; Infinity: no bound. */
  readonly stallMs: Ms;
  /** A frame is full when its items have this many bytes. */
  readonly frameBytes: number;
  /** Makes the message of a batch. */
  readonly encode: (batch: Batch<F>) => Uint8Array;
  readonly nowMs: Ms;
}

type State<F> =
  | { readonly kind: "flowing" }
  | { readonly kind: "ending"; readonly end: SentEnd<F> }
  | { readonly kind: "over" };

/** Sends one stream. `F` is what a failure is on the wire. */
export class StreamSender<F> {
  readonly #options: SenderOptions<F>;
  readonly #waiting: { readonly text: string; readonly bytes: number }[] = [];
  #state: State<F> = { kind: "flowing" };
  #credit: Credit;
  #waitingBytes = 0;
  #sentItems = 0;
  #sentBytes = 0;
  #lastFrameMs = -Infinity; // The first item is never kept waiting.
  #quietSinceMs: Ms;
  #lastHeardMs: Ms;
  #starvedSinceMs: Ms | undefined;

  constructor(options: SenderOptions<F>) {
    this.#options = options;
    this.#credit = options.credit;
    this.#quietSinceMs = options.nowMs;
    this.#lastHeardMs = options.nowMs;
    this.#noteCredit(options.nowMs);
  }

  /** Items handed over so far. */
  get items(): number {
    return this.#sentItems + this.#waiting.length;
  }

  /** True when the last frame has been taken, or the stream was dropped. */
  get isOver(): boolean {
    return this.#state.kind === "over";
  }

  /** True while the source may be asked for another item. */
  get wantsItem(): boolean {
    if (this.#state.kind !== "flowing" || !this.#hasCredit) return false;
    return this.#waitingBytes < this.#options.frameBytes;
  }

  /** Puts an item in line. Only when `wantsItem`; one that comes after the end is forgotten. */
  push(text: string, nowMs: Ms): void {
    if (this.#state.kind !== "flowing") return;
    const bytes = Buffer.byteLength(text) + 1; // A comma.
    this.#waiting.push({ text, bytes });
    this.#waitingBytes += bytes;
    this.#noteCredit(nowMs);
  }

  /** No more items: what waits goes out, then `end`. The first end counts. */
  end(end: SentEnd<F>): void {
    if (this.#state.kind === "flowing") this.#state = { kind: "ending", end };
  }

  /** Nothing more goes out. */
  drop(): void {
    this.#state = { kind: "over" };
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  /** The client was heard, and grants `credit` in all. */
  heard(credit: Credit, nowMs: Ms): void {
    this.#credit = laterCredit(this.#credit, credit);
    this.#lastHeardMs = nowMs;
    this.#noteCredit(nowMs);
  }

  /** The message that is due at `nowMs`; `undefined`: none. Ask again until there is none. */
  take(nowMs: Ms): Uint8Array | undefined {
    if (nowMs < this.#frameDueMs()) return undefined;
    const first = this.#sentItems;
    const items = this.#nextItems();
    const end = this.#state.kind === "ending" && this.#waiting.length === 0;
    const data = this.#options.encode({
      first,
      items,
      end: end ? (this.#state as { readonly end: SentEnd<F> }).end : undefined,
    });
    this.#sentItems += items.length;
    if (items.length > 0) this.#sentBytes += data.byteLength;
    if (end) this.#state = { kind: "over" };
    this.#lastFrameMs = nowMs;
    this.#quietSinceMs = nowMs;
    this.#noteCredit(nowMs);
    return data;
  }

  /** When to come back. Infinity: never by itself. */
  dueMs(): Ms {
    return Math.min(this.#frameDueMs(), this.#silentAtMs(), this.#stalledAtMs());
  }

  /**
   * What is to be held against the client at `nowMs`: that it is `silent`, or that its consumer is
   * `stalled`. A call that comes later than it should by more than a keep-alive period was made by
   * a process that stood still: what arrived meanwhile has not been read, so the client gets
   * another period before it is judged.
   */
  judge(nowMs: Ms): "silent" | "stalled" | undefined {
    if (this.#state.kind === "over") return undefined;
    const silentAtMs = this.#silentAtMs();
    if (nowMs - silentAtMs > this.#options.keepAliveMs) {
      this.#lastHeardMs = nowMs - (SILENT_PERIODS - 1) * this.#options.keepAliveMs;
      return undefined;
    }
    if (nowMs >= silentAtMs) return "silent";
    return nowMs >= this.#stalledAtMs() ? "stalled" : undefined;
  }

  get #hasCredit(): boolean {
    const { items, bytes } = this.#credit;
    return this.items < items && this.#sentBytes + this.#waitingBytes < bytes;
  }

  #noteCredit(nowMs: Ms): void {
    if (this.#hasCredit || this.#state.kind !== "flowing") this.#starvedSinceMs = undefined;
    else this.#starvedSinceMs ??= nowMs;
  }

  #frameDueMs(): Ms {
    if (this.#state.kind === "over") return Infinity;
    if (this.#state.kind === "ending") return -Infinity;
    if (this.#waiting.length === 0) return this.#quietSinceMs + this.#options.keepAliveMs;
    // Nothing can join what waits: it is full, or the credit is used up.
    return this.wantsItem ? this.#lastFrameMs + SPACING_MS : -Infinity;
  }

  #silentAtMs(): Ms {
    if (this.#state.kind === "over") return Infinity;
    return this.#lastHeardMs + SILENT_PERIODS * this.#options.keepAliveMs;
  }

  #stalledAtMs(): Ms {
    return this.#starvedSinceMs === undefined
      ? Infinity
      : this.#starvedSinceMs + this.#options.stallMs;
  }

  #nextItems(): string[] {
    let count = 0;
    let bytes = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < this.#options.frameBytes)) {
      const next = this.#waiting[count]?.bytes ?? 0;
      if (count > 0 && bytes + next > this.#options.frameBytes) break;
      bytes += next;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count).map(({ text }) => text);
  }
}
