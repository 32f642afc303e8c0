/**
 * A stream as its consumer holds it: an async iterable of checked items.
 *
 * Nothing is sent before the first `next()`: an iterable that nobody reads costs nobody anything.
 * `break`, `return()` and the caller's signal end it on both sides; so does leaving the scope of
 * an `await using`.
 *
 * Guarantees: items in order, each once, each as its schema makes it; what was received before a
 * stream broke is given before its error; after an error or an end it is over.
 * Does not guarantee that all the items were seen unless it ends without an error.
 */
import {
  type Deferred,
  deferred,
  type LinkedController,
  linkedController,
  onAbort,
} from "@quorate/core";
import type { Json, Ms } from "@quorate/core";
import type { Method } from "../contract.ts";
import { errorOf } from "../wire/from-failure.ts";
import type { WireFailure } from "../wire/answer.ts";
import type { ReceivedEnd } from "./receiver.ts";
import { itemError, leftBehindError, lostError, stalledError } from "./stream-errors.ts";
import type { StreamLink } from "./stream-link.ts";

/** How a stream comes about. */
export interface StreamOpening {
  readonly service: string;
  readonly spec: Method;
  /** The caller's signals. */
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly idleMs: Ms;
  /** Of the whole stream; Infinity: none. */
  readonly timeoutMs: Ms;
  nowMs(): Ms;
  /** Asks a server, until `signal` aborts; the link is begun by the stream. */
  open(signal: AbortSignal): Promise<StreamLink>;
  /** Its first item is asked for. @throws CLOSED, BULKHEAD_FULL */
  begun(stream: ClientStream): void;
  /** It is over; called once, if it has begun. */
  ended(stream: ClientStream): void;
}

type Step = IteratorResult<unknown, undefined>;

const OVER: Step = { done: true, value: undefined };

/** Why it ended from this side; a reason may be `undefined`, so it is boxed. */
type Ending = { readonly kind: "left" } | { readonly kind: "aborted"; readonly reason: unknown };

/** One stream of a client. */
export class ClientStream implements AsyncIterableIterator<unknown, undefined> {
  readonly #opening: StreamOpening;
  /** There from the first `next()` on: until then nothing listens to anything. */
  #controller: LinkedController | undefined;
  #off: (() => void) | undefined;
  #link: StreamLink | undefined;
  #ending: Ending | undefined;
  #startedMs: Ms = 0;
  #isOver = false;
  /** The last `next()` that waits; the one after it waits for that. */
  #busy: Deferred<void> | undefined;

  constructor(opening: StreamOpening) {
    this.#opening = opening;
  }

  async next(): Promise<Step> {
    const before = this.#busy;
    const mine = deferred<void>();
    this.#busy = mine;
    try {
      await before?.promise;
      return await this.#pull();
    } finally {
      mine.resolve();
      if (this.#busy === mine) this.#busy = undefined;
    }
  }

  async return(): Promise<Step> {
    this.#end({ kind: "left" });
    this.#close();
    return OVER;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The instance that sends it has died. */
  gone(isGone: (instance: string) => boolean): void {
    const instance = this.#link?.instance;
    if (instance !== undefined && isGone(instance)) this.#link?.lose("gone");
  }

  /** The client is closed: it ends at once. */
  leftBehind(): void {
    this.#end({ kind: "aborted", reason: leftBehindError(this.#opening) });
  }

  async #pull(): Promise<Step> {
    if (this.#isOver) return OVER;
    try {
      const link = (this.#link ??= await this.#open());
      for (;;) {
        if (this.#ending !== undefined) return this.#endHere(this.#ending);
        const taken = link.take();
        if (taken === undefined) await link.whenMore();
        else if (taken.kind === "item")
          return { done: false, value: await this.#check(taken.value) };
        else return await this.#endThere(taken.end);
      }
    } catch (error) {
      this.#close();
      if (this.#ending?.kind === "left") return OVER;
      throw error;
    }
  }

  async #open(): Promise<StreamLink> {
    const { begun, nowMs, open, signals } = this.#opening;
    begun(this);
    this.#startedMs = nowMs();
    const controller = linkedController(...signals);
    const { signal } = controller;
    this.#controller = controller;
    this.#off = onAbort(signal, () => this.#end({ kind: "aborted", reason: signal.reason }));
    signal.throwIfAborted();
    const link = await open(signal);
    if (this.#ending === undefined) link.begin();
    return link;
  }

  async #check(value: Json): Promise<unknown> {
    const checked = this.#opening.spec.output(value);
    const parsed = checked instanceof Promise ? await checked : checked;
    if (parsed.ok) return parsed.value;
    throw itemError(this.#opening, parsed.issues);
  }

  #endHere(ending: Ending): Step {
    this.#link?.close(); // It may have come after the end.
    if (ending.kind === "aborted") throw ending.reason;
    this.#close();
    return OVER;
  }

  async #endThere(end: ReceivedEnd<WireFailure>): Promise<Step> {
    const items = this.#link?.items ?? 0;
    this.#close();
    if (end.kind === "done") return OVER;
    const { idleMs, nowMs, service, spec, timeoutMs } = this.#opening;
    if (end.kind === "failed") {
      if (end.failure.word === "stalled") throw stalledError({ service, spec, items });
      const facts = { service, method: spec, key: undefined, timeoutMs, mayRepeat: true };
      throw await errorOf(end.failure, facts);
    }
    const bound = end.why === "idle" ? idleMs : timeoutMs;
    const afterMs = nowMs() - this.#startedMs;
    throw lostError(end.why, { service, spec, items, afterMs, timeoutMs: bound });
  }

  /** From this side: whoever waits hears of it at once. The first ending counts. */
  #end(ending: Ending): void {
    if (this.#isOver || this.#ending !== undefined) return;
    this.#ending = ending;
    this.#controller?.abort(ending.kind === "aborted" ? ending.reason : undefined);
    this.#link?.close();
  }

  /** It is over: nothing more is given. */
  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#link?.close();
    if (this.#controller === undefined) return;
    this.#off?.();
    this.#controller.detach();
    this.#opening.ended(this);
  }
}
