/**
 * A client's carrier: asks the bus, and packs what is asked in one turn of the loop together.
 *
 * For whoever asks it is the bus: the first answer counts, nobody listening is told at once, and
 * silence ends at the timeout. A request that is alone in its turn goes bare, as it always did.
 * Those that went together are answered as they end: what is ready at once comes with the frame's
 * own answer, what takes longer comes to the client's subject for late answers, so a slow call
 * holds up no other.
 *
 * Guarantees: each request settles by its timeout, once; an answer that comes later finds nobody.
 * Does not guarantee that requests of one turn reach different instances of a queue: those that go
 * together are run by one.
 */
import { type Backend, DueHeap, type Message, type Ms, QuorateError } from "@quorate/core";
import type { Subscription, Timer, Waking } from "@quorate/core";
import { answersSubject } from "../subjects.ts";
import {
  isPackedAnswers,
  MAX_PACKED,
  MAX_PACKED_BYTES,
  packRequests,
  unpackAnswers,
} from "./frame.ts";
import { Turns } from "./turns.ts";

/** Who hears how a request ended. */
export interface Asker {
  /** The first answer. */
  onAnswer(data: Uint8Array): void;
  /** There will be none: the bus's error. */
  onError(error: unknown): void;
}

/** A request that waits for the end of its turn. */
interface Asked {
  readonly bytes: Uint8Array;
  readonly timeoutMs: Ms;
  readonly asker: Asker;
}

/** What was asked of one subject in this turn. */
interface Lane {
  readonly subject: string;
  readonly asked: Asked[];
}

/** A request that went with others, and waits for its answer. */
interface Packed extends Asked, Waking {
  readonly frame: Frame;
  readonly place: number;
}

/** A frame under way. */
interface Frame {
  readonly number: number;
  /** By place; `undefined`: it was settled. */
  readonly packed: (Packed | undefined)[];
  open: number;
}

/** Carries the requests of one client. */
export class Carrier {
  readonly #backend: Backend;
  readonly #sender: string;
  /** What was asked in this turn. Not a Map that is cleared: see core's `Bag`. */
  #turn: Lane[] = [];
  readonly #frames = new Map<number, Frame>();
  readonly #due = new DueHeap<Packed>();
  readonly #turns: Turns;
  #timer: Timer | undefined = undefined;
  #timerMs: Ms = Infinity;
  #number = 0;
  #isScheduled = false;
  #isClosed = false;
  /** Late answers can come: before that, everything goes bare. */
  #answers: "none" | "opening" | Subscription = "none";

  /** `sender`: the client's id, of `[0-9a-z]`. */
  constructor(backend: Backend, sender: string) {
    this.#backend = backend;
    this.#sender = sender;
    this.#turns = new Turns(backend.runtime);
  }

  /** Asks; `asker` hears how it ends, never in this turn. */
  ask(subject: string, bytes: Uint8Array, timeoutMs: Ms, asker: Asker): void {
    if (bytes.byteLength > MAX_PACKED_BYTES) return this.#bare(subject, bytes, timeoutMs, asker);
    const asked: Asked = { bytes, timeoutMs, asker };
    const lane = this.#turn.find((one) => one.subject === subject);
    if (lane === undefined) this.#turn.push({ subject, asked: [asked] });
    else lane.asked.push(asked);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Whoever was woken by one frame of answers asks again in the same round of microtasks.
    queueMicrotask(this.#flush);
  }

  /** No late answers any more; what is under way is the caller's to end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#frames.clear();
    if (typeof this.#answers === "object") await this.#answers.close();
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const lanes = this.#turn;
    this.#turn = [];
    for (const { asked, subject } of lanes) {
      if (asked.length > 1 && this.#hears()) {
        for (let from = 0; from < asked.length; from += MAX_PACKED) {
          this.#pack(subject, asked.slice(from, from + MAX_PACKED));
        }
      } else {
        for (const { asker, bytes, timeoutMs } of asked) {
          this.#bare(subject, bytes, timeoutMs, asker);
        }
      }
    }
  };

  #bare(subject: string, bytes: Uint8Array, timeoutMs: Ms, asker: Asker): void {
    this.#backend.bus.request(subject, bytes, { timeoutMs }).then(
      ({ data }) => asker.onAnswer(data),
      (error: unknown) => asker.onError(error),
    );
  }

  #pack(subject: string, asked: readonly Asked[]): void {
    const [one] = asked;
    if (asked.length === 1 && one !== undefined) {
      return this.#bare(subject, one.bytes, one.timeoutMs, one.asker);
    }
    this.#number = (this.#number + 1) % 2 ** 32;
    const number = this.#number;
    const frame: Frame = { number, packed: [], open: asked.length };
    this.#frames.set(number, frame);
    const nowMs = this.#backend.runtime.time.monotonicMs();
    let longestMs = 0;
    for (const { asker, bytes, timeoutMs } of asked) {
      const place = frame.packed.length;
      const packed: Packed = { asker, bytes, timeoutMs, frame, place, wakeMs: 0, heapIndex: -1 };
      frame.packed.push(packed);
      this.#due.update(packed, nowMs + timeoutMs);
      longestMs = Math.max(longestMs, timeoutMs);
    }
    const messages = asked.map(({ bytes }) => bytes);
    this.#arm(nowMs);
    const bytes = packRequests({ number, sender: this.#sender, messages });
    this.#backend.bus.request(subject, bytes, { timeoutMs: longestMs }).then(
      ({ data }) => this.#hear(data),
      (error: unknown) => this.#onFailed(frame, error),
    );
  }

  /** Whether late answers would be heard; the first question opens the ear. */
  #hears(): boolean {
    if (this.#answers === "none" && !this.#isClosed) {
      this.#answers = "opening";
      const hear = ({ data }: Message): void => this.#hear(data);
      this.#backend.bus.subscribe(answersSubject(this.#sender), hear).then(
        (subscription) => {
          this.#answers = subscription;
          if (this.#isClosed) void subscription.close();
        },
        () => (this.#answers = "none"), // Asked again with the next turn that has several.
      );
    }
    return typeof this.#answers === "object";
  }

  #hear(data: Uint8Array): void {
    this.#turns.take(() => this.#onAnswers(data));
  }

  #onAnswers(data: Uint8Array): void {
    const read = isPackedAnswers(data) ? unpackAnswers(data) : undefined;
    const frame = read === undefined ? undefined : this.#frames.get(read.number);
    if (read === undefined || frame === undefined) return;
    for (const { place, bytes } of read.answers) {
      this.#settle(frame, place)?.asker.onAnswer(bytes);
    }
  }

  #onFailed(frame: Frame, error: unknown): void {
    for (let place = 0; place < frame.packed.length; place++) {
      this.#settle(frame, place)?.asker.onError(error);
    }
  }

  /** The request at `place`, which is settled by this; `undefined`: it was. */
  #settle(frame: Frame, place: number): Packed | undefined {
    const packed = frame.packed[place];
    if (packed === undefined) return undefined;
    frame.packed[place] = undefined;
    frame.open -= 1;
    if (frame.open === 0) this.#frames.delete(frame.number);
    this.#due.remove(packed);
    return packed;
  }

  /** One timer for all: set for the soonest, and left to fire early where that one is answered. */
  #arm(nowMs: Ms): void {
    const soonest = this.#due.peek();
    if (soonest === undefined || soonest.wakeMs >= this.#timerMs || this.#isClosed) return;
    this.#timer?.cancel();
    this.#timerMs = soonest.wakeMs;
    const { time } = this.#backend.runtime;
    this.#timer = time.setTimer(Math.max(0, soonest.wakeMs - nowMs), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timerMs = Infinity;
    this.#timer = undefined;
    const nowMs = this.#backend.runtime.time.monotonicMs();
    for (let due = this.#due.peek(); due !== undefined; due = this.#due.peek()) {
      if (due.wakeMs > nowMs) break;
      this.#settle(due.frame, due.place)?.asker.onError(noAnswer(due));
    }
    this.#arm(nowMs);
  };
}

/** As the bus says it. */
function noAnswer({ timeoutMs }: Asked): QuorateError<"TIMEOUT"> {
  const message = `no answer in ${timeoutMs} ms; it may have run`;
  const details = { operation: "bus.request", timeoutMs };
  return new QuorateError("TIMEOUT", message, { effect: "unknown", details });
}
