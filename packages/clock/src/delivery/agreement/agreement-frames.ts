/**
 * What members say to each other to agree on an order, inside their streams.
 *
 * `data`: a message, with the number that its sender proposes. `propose`: numbers that the teller
 * would give to messages of others. `final`: the ranks that the teller's own messages have got.
 * `item` and `flushed`: all that the teller knows of messages that others may not know, and that
 * this was all. Each belongs to a view.
 */
import { MAX_NODE_ID_BYTES } from "../../node-id.ts";
import { MAX_MEMBERS, type MemberId, nodeOf } from "../member.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";

/** A place in the order: a number, and who gave it. */
export interface Rank {
  readonly number: number;
  readonly by: MemberId;
}

/** A number for one message of somebody. */
export interface Proposal {
  readonly member: MemberId;
  readonly n: number;
  readonly number: number;
}

/** A message as somebody knows it. */
export interface Item {
  readonly member: MemberId;
  readonly n: number;
  readonly rank: Rank;
  /** The rank is what all have agreed on; else it is what the teller has proposed. */
  readonly isFinal: boolean;
  readonly data: Uint8Array;
}

/** A frame of the agreement. */
export type AgreementFrame = { readonly view: number } & (
  | {
      readonly kind: "data";
      readonly n: number;
      readonly number: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: "propose"; readonly proposals: readonly Proposal[] }
  | {
      readonly kind: "final";
      readonly ranks: readonly { readonly n: number; readonly rank: Rank }[];
    }
  | { readonly kind: "item"; readonly item: Item }
  | {
      readonly kind: "flushed";
      readonly members: readonly MemberId[];
      readonly clock: number;
      /** The last view that the teller has gone through with; 0 if it is new. */
      readonly installed: number;
    }
);

const KINDS = ["data", "propose", "final", "item", "flushed"] as const;
const MAX_LIST = 65_536;

/** The frame as bytes. */
export function encodeAgreementFrame(frame: AgreementFrame): Uint8Array {
  const writer = new ByteWriter().byte(KINDS.indexOf(frame.kind)).number(frame.view);
  switch (frame.kind) {
    case "data":
      writer.number(frame.n).number(frame.number).rest(frame.data);
      break;
    case "propose":
      writer.list(frame.proposals, ({ member, n, number }) => {
        writer.string(member).number(n).number(number);
      });
      break;
    case "final":
      writer.list(frame.ranks, ({ n, rank }) => {
        writer.number(n).number(rank.number).string(rank.by);
      });
      break;
    case "item": {
      const { member, n, rank, isFinal, data } = frame.item;
      writer.string(member).number(n).number(rank.number).string(rank.by);
      writer.byte(isFinal ? 1 : 0).rest(data);
      break;
    }
    case "flushed":
      writer.list(frame.members, (member) => writer.string(member)).number(frame.clock);
      writer.number(frame.installed);
  }
  return writer.finish();
}

/** The frame in `bytes`; `undefined` if it is none. */
export function decodeAgreementFrame(bytes: Uint8Array): AgreementFrame | undefined {
  const reader = new ByteReader(bytes);
  const kind = KINDS[reader.byte()];
  const view = reader.number();
  const frame = kind === undefined ? undefined : readFrame(kind, view, reader, bytes.byteLength);
  return reader.isWhole ? frame : undefined;
}

function readFrame(
  kind: (typeof KINDS)[number],
  view: number,
  reader: ByteReader,
  size: number,
): AgreementFrame {
  const member = (): MemberId => reader.string(MAX_NODE_ID_BYTES);
  switch (kind) {
    case "data": {
      const id = { n: reader.number(), number: reader.number() };
      return { kind, view, ...id, data: reader.rest(size) };
    }
    case "propose": {
      const proposals = reader.list(MAX_LIST, () => ({
        member: member(),
        n: reader.number(),
        number: reader.number(),
      }));
      return { kind, view, proposals };
    }
    case "final": {
      const ranks = reader.list(MAX_LIST, () => ({
        n: reader.number(),
        rank: { number: reader.number(), by: member() },
      }));
      return { kind, view, ranks };
    }
    case "item": {
      const id = { member: member(), n: reader.number() };
      const rank = { number: reader.number(), by: member() };
      const isFinal = reader.byte() === 1;
      return { kind, view, item: { ...id, rank, isFinal, data: reader.rest(size) } };
    }
    case "flushed": {
      const members = reader.list(MAX_MEMBERS, member).filter((one) => nodeOf(one) !== undefined);
      return { kind, view, members, clock: reader.number(), installed: reader.number() };
    }
  }
}
