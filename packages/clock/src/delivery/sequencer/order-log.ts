/**
 * The order, as one member knows it: which message stands at which place.
 *
 * Places are numbered from 1 without gaps, over all epochs. Only names of messages are kept, not
 * the messages; and of what everybody here has delivered only a stretch, for those who lag. Each
 * sender's messages stand in the order of their numbers, so one number per sender says which of
 * them have a place: that is all it takes to recognise a message that comes twice.
 */
import type { MemberId } from "../member.ts";

/** Name of a message: its sender, and which of the sender's messages, from 1. */
export interface MessageId {
  readonly member: MemberId;
  readonly n: number;
}

/** A stretch of the order, to be handed to others. */
export interface Snapshot {
  /** The place before the first of `ids`. */
  readonly base: number;
  /** Up to here the order is final, as far as the teller knows. */
  readonly committed: number;
  /** Of each sender, the last message at or before `base`. */
  readonly marks: readonly MessageId[];
  readonly ids: readonly MessageId[];
}

/** What stands where. */
export class OrderLog {
  #base = 0;
  #ids: MessageId[] = [];
  #baseMarks = new Map<MemberId, number>();
  #marks = new Map<MemberId, number>();

  /** The last place that is taken. */
  get last(): number {
    return this.#base + this.#ids.length;
  }

  /** The place before the first that is still known. */
  get base(): number {
    return this.#base;
  }

  /** The last message of `member` that has a place; 0 if none has. */
  markOf(member: MemberId): number {
    return this.#marks.get(member) ?? 0;
  }

  /** What stands at `seq`, if it is still known. */
  at(seq: number): MessageId | undefined {
    return this.#ids[seq - this.#base - 1];
  }

  append(ids: readonly MessageId[]): void {
    for (const id of ids) {
      this.#ids.push(id);
      this.#marks.set(id.member, id.n);
    }
  }

  /** Of each sender, the last message at or before `seq`. */
  marksAt(seq: number): Map<MemberId, number> {
    const marks = new Map(this.#baseMarks);
    for (const { member, n } of this.#ids.slice(0, Math.max(0, seq - this.#base))) {
      marks.set(member, n);
    }
    return marks;
  }

  /** Forgets what stands at or before `seq`. */
  trim(seq: number): void {
    if (seq <= this.#base) return;
    this.#baseMarks = this.marksAt(seq);
    this.#ids.splice(0, seq - this.#base);
    this.#base = seq;
  }

  snapshot(committed: number): Snapshot {
    const marks = [...this.#baseMarks].map(([member, n]) => ({ member, n }));
    return { base: this.#base, committed, marks, ids: [...this.#ids] };
  }

  /** Takes over the order of `snapshot`; places that it no longer tells of stay as they are. */
  adopt(snapshot: Snapshot): void {
    if (snapshot.base > this.#base && snapshot.base <= this.last) {
      this.#ids.length = snapshot.base - this.#base;
    } else {
      this.#base = snapshot.base;
      this.#ids = [];
      this.#baseMarks = new Map(snapshot.marks.map(({ member, n }) => [member, n]));
    }
    this.#marks = this.marksAt(this.last);
    this.append(snapshot.ids);
  }
}
