/**
 * Streams: the reliable part that all delivery orders stand on.
 *
 * Each member numbers what it sends; everybody takes each stream in the order of its numbers, every
 * message once. A hole is noticed by a later message, by a digest or by what an order knows, and
 * asked for: first from the origin, then from the others, who keep what they have taken for a
 * while. Asking backs off, and ends in an answer: the messages, or `lost`, never in silence.
 *
 * An order plugs in as the *consumer*: it may refuse the next message of a stream for now
 * (`admits`), and is handed what it admits (`take`). What it refuses stays in the one hold-back
 * buffer, which has a bound over all streams. A message that can be taken at once is taken however
 * full the buffer is, so a full buffer drains.
 *
 * Guarantees: per stream in order, at most once, and without holes but those that the user gave up.
 * Of a member that left the view, survivors come to the same prefix of its stream, if one of
 * them still has the rest in its log. Does not guarantee: delivery of what no member in the view
 * has any more, or anything about a member that forgets itself and comes back under its old id.
 */
import type { MemberId } from "../member.ts";
import type { DataFrame, DigestFrame, Frame, Head, RangeFrame } from "../wire/frames.ts";
import type { StreamEffect } from "./effects.ts";
import { ask, heardGone } from "./gaps.ts";
import type { CheckedStreamOptions } from "./options.ts";
import { Stream } from "./stream.ts";

/** The order above: what may be taken now, and where it goes. */
export interface Consumer {
  admits(member: MemberId, seq: number, data: Uint8Array): boolean;
  take(member: MemberId, seq: number, data: Uint8Array): void;
}

/** Ticks between digests while nothing happens. */
const IDLE_TICKS = 10;
/** Ticks with a digest after something of one's own was sent: the first may be lost, too. */
const EAGER_TICKS = 3;
/** Departed streams kept for those who still miss something of them. */
const DEPARTED_MAX = 64;

/** The streams of a group, as one member has them. */
export class Streams {
  readonly self: MemberId;
  readonly #options: CheckedStreamOptions;
  readonly #consumer: Consumer;
  readonly #own: Stream;
  readonly #streams = new Map<MemberId, Stream>();
  /** Others in the view. */
  #others: readonly MemberId[] = [];
  #effects: StreamEffect[] = [];
  #isFlowing = true;
  #fullTold = false;
  #ticksToDigest = 0;
  #eagerTicks = EAGER_TICKS;

  constructor(self: MemberId, options: CheckedStreamOptions, consumer: Consumer) {
    this.self = self;
    this.#options = options;
    this.#consumer = consumer;
    this.#own = new Stream(self, options.logMax);
    this.#own.begin(1);
    this.#streams.set(self, this.#own);
  }

  /** What is to be done since the last call. */
  drainEffects(): StreamEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Number of the last message of our own. */
  get published(): number {
    return this.#own.through;
  }

  /** Messages held back, of all streams. */
  get held(): number {
    let held = 0;
    for (const stream of this.#streams.values()) held += stream.held;
    return held;
  }

  /**
   * The last number taken from `member`; `undefined` for one whose stream is not known, or not yet
   * begun while `member` is in the view.
   */
  through(member: MemberId): number | undefined {
    const stream = this.#streams.get(member);
    return stream?.next === undefined ? undefined : stream.through;
  }

  /** True for a member whose messages are waited for: in the view, or gone and still known. */
  hears(member: MemberId): boolean {
    return this.#streams.has(member);
  }

  /** Members whose stream has begun, with the last number taken. */
  *heads(): IterableIterator<readonly [MemberId, number]> {
    for (const [member, stream] of this.#streams) {
      if (stream.next !== undefined) yield [member, stream.through];
    }
  }

  /** Sends `data` to all as our next message, and takes it ourselves. Returns its number. */
  publish(data: Uint8Array): number {
    const seq = this.#own.through + 1;
    this.#own.hold(seq, data);
    this.#own.take();
    this.#eagerTicks = EAGER_TICKS;
    const { self: origin } = this;
    const frame: Frame = { kind: "data", origin, seq, oldest: this.#own.oldest, data };
    this.#effects.push({ kind: "send", to: undefined, frame });
    this.#consumer.take(origin, seq, data);
    return seq;
  }

  /** Somebody knows that message `seq` of `member` exists. */
  expect(member: MemberId, seq: number): void {
    const stream = this.#streams.get(member);
    if (stream !== undefined && member !== this.self) stream.known = Math.max(stream.known, seq);
  }

  /** Takes what can be taken, again and again: the consumer admits more than before. */
  settle(nowMs: number): void {
    let moved = true;
    while (moved && this.#isFlowing) {
      moved = false;
      for (const stream of this.#streams.values()) moved = this.#drain(stream) || moved;
    }
    this.#fullTold &&= this.held >= this.#options.holdBackMax;
    for (const stream of this.#streams.values()) this.#ask(stream, nowMs);
  }

  /** Stops taking messages (the user is behind), or goes on. */
  flow(isFlowing: boolean): void {
    this.#isFlowing = isFlowing;
  }

  /** A frame came in. `settle` follows. */
  receive(frame: Frame, nowMs: number): void {
    if (frame.kind === "data") return this.#receiveData(frame);
    if (frame.from === this.self) return;
    // Who has left is still answered: that is how it may learn that it was left out.
    if (frame.kind === "request" && this.#streams.has(frame.from)) return this.#answer(frame);
    if (!this.#others.includes(frame.from)) return this.#stranger(frame.from);
    if (frame.kind === "digest") this.#receiveDigest(frame);
    else this.#receiveGone(frame, nowMs);
  }

  /** Time has passed. `settle` follows. */
  tick(): void {
    for (const stream of this.#streams.values()) {
      if (stream.next !== undefined || stream.fallback === undefined) continue;
      // The origin may be dead; then whoever knows its stream tells where to begin.
      if (++stream.waitedTicks > IDLE_TICKS) this.#begin(stream, stream.fallback);
    }
    this.#ticksToDigest -= 1;
    if (this.#eagerTicks <= 0 && this.#ticksToDigest > 0) return;
    this.#eagerTicks -= 1;
    this.#ticksToDigest = IDLE_TICKS;
    const heads: Head[] = [];
    for (const stream of this.#streams.values()) {
      if (stream.next === undefined) continue;
      const { member, oldest, through } = stream;
      heads.push({ member, oldest: Math.min(oldest, through + 1), through });
    }
    this.#send(undefined, { kind: "digest", from: this.self, heads });
  }

  /** Gives up what is missing of `member` up to `through`. `settle` follows. */
  giveUp(member: MemberId, through: number): void {
    const stream = this.#streams.get(member);
    if (stream === undefined || stream === this.#own) return;
    if (stream.next === undefined) this.#begin(stream, through + 1);
    stream.giveUp(Math.min(through, stream.known));
    stream.gap = undefined;
  }

  /** These are the members now; `settle` follows. */
  install(members: readonly MemberId[]): void {
    const others = members.filter((member) => member !== this.self);
    for (const member of others) {
      const stream = this.#streams.get(member) ?? new Stream(member, this.#options.logMax);
      stream.departed = false;
      this.#streams.set(member, stream);
    }
    const departed: Stream[] = [];
    for (const stream of this.#streams.values()) {
      if (stream === this.#own || others.includes(stream.member)) continue;
      const isOver = stream.departed && stream.firstMissing > stream.known;
      if (isOver || stream.next === undefined) this.#streams.delete(stream.member);
      else departed.push(stream);
      stream.departed = true;
    }
    for (const { member } of departed.slice(0, -DEPARTED_MAX)) this.#streams.delete(member);
    this.#others = others;
    this.#eagerTicks = EAGER_TICKS;
  }

  #receiveData({ origin, seq, oldest, data }: DataFrame): void {
    if (origin === this.self) return;
    const stream = this.#streams.get(origin);
    if (stream === undefined) return this.#stranger(origin);
    // What a departed member itself still says is not for us: others may not hear it.
    if (stream.departed && oldest > 0) return;
    if (oldest > 0) this.#begin(stream, oldest);
    stream.known = Math.max(stream.known, seq);
    if (stream.next === undefined || stream.has(seq)) return;
    const isDue = seq === stream.next && this.#isFlowing;
    if (isDue && this.#consumer.admits(origin, seq, data)) {
      stream.hold(seq, data);
      stream.take();
      this.#consumer.take(origin, seq, data);
      return;
    }
    if (this.held < this.#options.holdBackMax) return stream.hold(seq, data);
    if (this.#fullTold) return;
    this.#fullTold = true;
    const { holdBackMax: limit } = this.#options;
    this.#effects.push({ kind: "hold-back-full", member: origin, seq, limit });
  }

  #receiveDigest({ from, heads }: DigestFrame): void {
    for (const { member, oldest, through } of heads) {
      const stream = this.#streams.get(member);
      if (stream === undefined || stream === this.#own) continue;
      if (member === from) this.#begin(stream, oldest);
      else stream.fallback = Math.min(stream.fallback ?? oldest, oldest);
      stream.known = Math.max(stream.known, through);
    }
  }

  #receiveGone({ from, origin, first, last }: RangeFrame, nowMs: number): void {
    const stream = this.#streams.get(origin);
    if (stream?.gap !== undefined) heardGone(stream.gap, { from, first, last }, nowMs);
  }

  /** Sends again what was missed, and says what is not here. */
  #answer({ from, origin, first, last }: RangeFrame): void {
    const stream = this.#streams.get(origin);
    const end = Math.min(last, first + this.#options.batchMax - 1);
    let goneFrom: number | undefined;
    for (let seq = first; seq <= end; seq++) {
      const data = stream?.message(seq);
      if (data === undefined || stream === undefined) goneFrom ??= seq;
      else {
        this.#tellGone(from, origin, goneFrom, seq - 1);
        goneFrom = undefined;
        const oldest = stream === this.#own ? Math.min(stream.oldest, seq) : 0;
        this.#send(from, { kind: "data", origin, seq, oldest, data });
      }
    }
    this.#tellGone(from, origin, goneFrom, end);
  }

  #tellGone(to: MemberId, origin: MemberId, first: number | undefined, last: number): void {
    if (first === undefined) return;
    this.#send(to, { kind: "gone", from: this.self, origin, first, last });
  }

  #begin(stream: Stream, first: number): void {
    if (stream.next !== undefined) return;
    stream.begin(first);
    this.#effects.push({ kind: "joined", member: stream.member, from: first });
  }

  #drain(stream: Stream): boolean {
    let moved = false;
    while (stream.next !== undefined && this.#isFlowing) {
      stream.stepOver();
      const seq = stream.next;
      const data = stream.message(seq);
      if (data === undefined || !this.#consumer.admits(stream.member, seq, data)) break;
      stream.take();
      this.#consumer.take(stream.member, seq, data);
      moved = true;
    }
    return moved;
  }

  #ask(stream: Stream, nowMs: number): void {
    if (stream === this.#own || stream.next === undefined) return;
    const isFull = this.held >= this.#options.holdBackMax;
    // A full buffer takes only what can be taken at once.
    const batchMax = isFull ? 1 : this.#options.batchMax;
    if (isFull && stream.firstMissing !== stream.next) return;
    const place = { self: this.self, others: this.#others, ...this.#options, batchMax };
    this.#effects.push(...ask(stream, place, nowMs));
  }

  #stranger(member: MemberId): void {
    this.#effects.push({ kind: "stranger", member });
  }

  #send(to: MemberId | undefined, frame: Frame): void {
    this.#effects.push({ kind: "send", to, frame });
  }
}
