/**
 * What the sequencer and its members say to each other, inside their streams.
 *
 * `submit`: a message that wants a place. `order`: places for messages. `ack`: I have order and
 * messages up to here. `seal`: I am the sequencer of a higher epoch; nothing of older ones from now
 * on. `sealed`: I promise, and this is what I have. `start`: this is the order that the epoch
 * begins with.
 */
import { MAX_NODE_ID_BYTES } from "../../node-id.ts";
import { MAX_MEMBERS, type MemberId, nodeOf } from "../member.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import type { MessageId, Snapshot } from "./order-log.ts";

/** Who counts in an epoch. */
export interface EpochView {
  readonly epoch: number;
  readonly members: readonly MemberId[];
}

/** A frame of the sequencer's order. */
export type OrderFrame =
  | { readonly kind: "submit"; readonly n: number; readonly data: Uint8Array }
  | {
      readonly kind: "order";
      readonly epoch: number;
      readonly first: number;
      readonly ids: readonly MessageId[];
    }
  | { readonly kind: "ack"; readonly epoch: number; readonly through: number }
  | { readonly kind: "seal"; readonly view: EpochView }
  | {
      readonly kind: "sealed";
      readonly epoch: number;
      /** The epoch whose order the teller has. */
      readonly accepted: number;
      readonly snapshot: Snapshot;
      /** Of each sender, the last message that the teller has or had. */
      readonly seen: readonly MessageId[];
      /** Views whose members may have agreed on something. */
      readonly views: readonly EpochView[];
    }
  | { readonly kind: "start"; readonly view: EpochView; readonly snapshot: Snapshot };

const KINDS = ["submit", "order", "ack", "seal", "sealed", "start"] as const;
/** Most places in one frame; a window is at most half of it. */
export const MAX_IDS = 65_536;
const MAX_VIEWS = 64;

/** The frame as bytes. */
export function encodeOrderFrame(frame: OrderFrame): Uint8Array {
  const writer = new ByteWriter().byte(KINDS.indexOf(frame.kind));
  switch (frame.kind) {
    case "submit":
      return writer.number(frame.n).rest(frame.data).finish();
    case "order":
      writer.number(frame.epoch).number(frame.first);
      writeIds(writer, frame.ids);
      break;
    case "ack":
      writer.number(frame.epoch).number(frame.through);
      break;
    case "seal":
      writeView(writer, frame.view);
      break;
    case "sealed":
      writer.number(frame.epoch).number(frame.accepted);
      writeSnapshot(writer, frame.snapshot);
      writeIds(writer, frame.seen);
      writer.list(frame.views, (view) => writeView(writer, view));
      break;
    case "start":
      writeView(writer, frame.view);
      writeSnapshot(writer, frame.snapshot);
  }
  return writer.finish();
}

/** The frame in `bytes`; `undefined` if it is none. */
export function decodeOrderFrame(bytes: Uint8Array): OrderFrame | undefined {
  const reader = new ByteReader(bytes);
  const kind = KINDS[reader.byte()];
  const frame = kind === undefined ? undefined : readFrame(kind, reader, bytes.byteLength);
  return reader.isWhole ? frame : undefined;
}

function readFrame(kind: (typeof KINDS)[number], reader: ByteReader, size: number): OrderFrame {
  switch (kind) {
    case "submit":
      return { kind, n: reader.number(), data: reader.rest(size) };
    case "order":
      return { kind, epoch: reader.number(), first: reader.number(), ids: readIds(reader) };
    case "ack":
      return { kind, epoch: reader.number(), through: reader.number() };
    case "seal":
      return { kind, view: readView(reader) };
    case "sealed":
      return {
        kind,
        epoch: reader.number(),
        accepted: reader.number(),
        snapshot: readSnapshot(reader),
        seen: readIds(reader),
        views: reader.list(MAX_VIEWS, () => readView(reader)),
      };
    case "start":
      return { kind, view: readView(reader), snapshot: readSnapshot(reader) };
  }
}

/** Each sender's name once; then who and which. */
function writeIds(writer: ByteWriter, ids: readonly MessageId[]): void {
  const names = [...new Set(ids.map(({ member }) => member))];
  const index = new Map(names.map((name, at) => [name, at]));
  writer.list(names, (name) => writer.string(name));
  writer.list(ids, ({ member, n }) => writer.number(index.get(member) ?? 0).number(n));
}

function readIds(reader: ByteReader): MessageId[] {
  const names = readMembers(reader);
  const pairs = reader.list(MAX_IDS, () => [reader.number(), reader.number()] as const);
  return pairs.flatMap(([at, n]) => {
    const member = names[at];
    return member === undefined ? [] : [{ member, n }];
  });
}

function writeView(writer: ByteWriter, { epoch, members }: EpochView): void {
  writer.number(epoch).list(members, (member) => writer.string(member));
}

function readView(reader: ByteReader): EpochView {
  return { epoch: reader.number(), members: readMembers(reader) };
}

function readMembers(reader: ByteReader): MemberId[] {
  const names = reader.list(2 * MAX_MEMBERS, () => reader.string(MAX_NODE_ID_BYTES));
  return names.filter((name) => nodeOf(name) !== undefined);
}

function writeSnapshot(writer: ByteWriter, snapshot: Snapshot): void {
  writer.number(snapshot.base).number(snapshot.committed);
  writeIds(writer, snapshot.marks);
  writeIds(writer, snapshot.ids);
}

function readSnapshot(reader: ByteReader): Snapshot {
  return {
    base: reader.number(),
    committed: reader.number(),
    marks: readIds(reader),
    ids: readIds(reader),
  };
}
