/**
 * Causal broadcast: nobody sees an answer before its question.
 *
 * Each message carries how much its sender had delivered from everybody when it sent it. A member
 * delivers it once it has delivered as much itself; until then it is held back. Messages that do
 * not know of each other come in any order, and in different ones at different members.
 *
 * Guarantees: if a member delivered m before it sent n, nobody delivers n before m; and what one
 * member sends is delivered in that order. Each message at most once. A sender that restarts is a
 * new member. Over a change of view: order holds among streams that both views know; an entry for
 * a member that left is waited for as long as its stream is still known here (until the next view
 * once it is whole), and for one that this member never heard of it is not waited for at all: it
 * is from before our time.
 * Does not guarantee: one order for all (see the total orders), nor delivery of what is lost.
 * The stamp grows with the group: some 30 bytes for each member who has ever spoken in this view.
 *
 * Birman, Schiper and Stephenson, "Lightweight Causal and Atomic Group Multicast", ACM TOCS 1991.
 */
import { MAX_NODE_ID_BYTES } from "../../node-id.ts";
import {
  type BroadcastEffect,
  type BroadcastInput,
  type DeliverEffect,
  type MachineOptions,
  stepStreams,
  type GroupView,
} from "../fifo/fifo-machine.ts";
import { checkStreamOptions } from "../fifo/options.ts";
import { Streams } from "../fifo/streams.ts";
import { checkMember, checkMembers, MAX_MEMBERS, type MemberId } from "../member.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";

/** How much a sender had delivered from others: member and number of the last message. */
export type Stamp = ReadonlyMap<MemberId, number>;

interface Stamped {
  readonly stamp: Stamp;
  readonly data: Uint8Array;
}

/** Causal broadcast as one member has it. */
export class CausalMachine {
  readonly #streams: Streams;
  readonly #delivered: DeliverEffect[] = [];
  /** Of the message that a stream waits to deliver: read once, looked at many times. */
  readonly #waiting = new Map<MemberId, { readonly seq: number; readonly read: Stamped }>();
  #epoch = 0;

  constructor({ self, members, ...options }: MachineOptions) {
    this.#streams = new Streams(checkMember("self", self), checkStreamOptions(options), {
      admits: (member, seq, data) => this.#admits(member, seq, data),
      take: (member, seq, data) => this.#take(member, seq, data),
    });
    this.#streams.install(checkMembers("members", members));
  }

  /** One input; what is to be done about it, in order. */
  step(input: BroadcastInput, nowMs: number): BroadcastEffect[] {
    const streams = this.#streams;
    if (input.kind === "publish") streams.publish(this.#stamped(input.data));
    else if (input.kind === "view") this.#install(input.view);
    else stepStreams(streams, input, nowMs);
    streams.settle(nowMs);
    return [...streams.drainEffects(), ...this.#delivered.splice(0)];
  }

  /** Number of our own last message. */
  get published(): number {
    return this.#streams.published;
  }

  /** Messages held back; never more than `holdBackMax`. */
  get held(): number {
    return this.#streams.held;
  }

  #stamped(data: Uint8Array): Uint8Array {
    const { self } = this.#streams;
    const entries = [...this.#streams.heads()].filter(
      ([member, seq]) => member !== self && seq > 0,
    );
    return encodeStamp(entries, data);
  }

  #admits(member: MemberId, seq: number, data: Uint8Array): boolean {
    const { stamp } = this.#read(member, seq, data);
    let isReady = true;
    for (const [cause, needed] of stamp) {
      if (!this.#isMissing(cause, needed, member)) continue;
      isReady = false;
      this.#streams.expect(cause, needed);
    }
    return isReady;
  }

  /** True while `needed` of `cause` is waited for; of a stream itself the streams see to it. */
  #isMissing(cause: MemberId, needed: number, member: MemberId): boolean {
    if (cause === member || cause === this.#streams.self) return false;
    if (!this.#streams.hears(cause)) return false;
    const through = this.#streams.through(cause);
    return through === undefined || through < needed;
  }

  #take(member: MemberId, seq: number, data: Uint8Array): void {
    const { data: message } = this.#read(member, seq, data);
    this.#waiting.delete(member);
    this.#delivered.push({ kind: "deliver", member, seq, data: message });
  }

  #read(member: MemberId, seq: number, data: Uint8Array): Stamped {
    const known = this.#waiting.get(member);
    if (known?.seq === seq) return known.read;
    const read = decodeStamp(data);
    this.#waiting.set(member, { seq, read });
    return read;
  }

  #install({ epoch, members }: GroupView): void {
    const checked = checkMembers("members", members);
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#streams.install(checked);
  }
}

/** A stamp before its message. */
function encodeStamp(
  entries: readonly (readonly [MemberId, number])[],
  data: Uint8Array,
): Uint8Array {
  const writer = new ByteWriter();
  writer.list(entries, ([member, seq]) => {
    writer.string(member).number(seq);
  });
  return writer.rest(data).finish();
}

/**
 * Reverses `encodeStamp`. What is no stamp comes from a stranger in a member's clothes: it has a
 * place in the stream that cannot be left empty, so it is delivered as it is, without causes.
 */
function decodeStamp(bytes: Uint8Array): Stamped {
  const reader = new ByteReader(bytes);
  const entries = reader.list(
    2 * MAX_MEMBERS,
    () => [reader.string(MAX_NODE_ID_BYTES), reader.number()] as const,
  );
  const data = reader.rest(bytes.byteLength);
  return reader.isWhole ? { stamp: new Map(entries), data } : { stamp: new Map(), data: bytes };
}
