/**
 * Stamps as bits, in the encoding of the paper's authors (their Erlang reference implementation).
 *
 * Id: 2 bits say what comes (00 a leaf, whose value is the third bit; 01, 10 and 11: right, left or
 * both halves). Events: a 1 begins a number; a 0 a node, of which 2 or 4 more bits say which of
 * its three parts are zero and left out. A number is a run of ones, longer for larger numbers, a
 * zero, and the number in as many bits.
 *
 * The decoder takes foreign input: bounded in bytes, depth and counts, and only normal form
 * passes, so that one stamp has one encoding.
 */
import { invalidArgument, QuorateError } from "@quorate/core";
import { BitReader, BitWriter } from "./bits.ts";
import { baseOf, type EventTree, tooManyEvents } from "./event-tree.ts";
import { type IdTree, MAX_TREE_DEPTH, tooDeep } from "./id-tree.ts";

/** Longest encoding that is read. */
const MAX_STAMP_BYTES = 65_536;
/** Bits of the shortest number, as the paper has it. */
const SHORTEST = 2;
/** A run of ones as long as this begins a number beyond 2⁵³. */
const LONGEST = 53;

/** Both halves of a stamp as bytes. */
export function encodeTrees(id: IdTree, events: EventTree): Uint8Array {
  const writer = new BitWriter();
  writeId(writer, id);
  writeEvents(writer, events);
  return writer.bytes();
}

/** Reverses `encodeTrees` of anybody. */
export function decodeTrees(bytes: Uint8Array): { id: IdTree; events: EventTree } {
  if (!(bytes instanceof Uint8Array)) throw invalidArgument("bytes", bytes, "a Uint8Array");
  const { byteLength: size } = bytes;
  if (size > MAX_STAMP_BYTES) {
    const details = { option: "bytes", size, limit: MAX_STAMP_BYTES };
    const message = `a stamp of ${size} bytes, at most ${MAX_STAMP_BYTES} are read`;
    throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
  }
  const reader = new BitReader(bytes);
  const id = readId(reader, 0);
  const events = readEvents(reader, 0, 0);
  // Less than a byte of padding, and nothing in it.
  if (reader.left < 0 || reader.left >= 8 || reader.read(reader.left) !== 0) throw malformed();
  return { id, events };
}

function writeId(writer: BitWriter, id: IdTree): void {
  if (typeof id === "number") return writer.write(id, 3);
  writer.write((id.left === 0 ? 0 : 2) + (id.right === 0 ? 0 : 1), 2);
  if (id.left !== 0) writeId(writer, id.left);
  if (id.right !== 0) writeId(writer, id.right);
}

function readId(reader: BitReader, depth: number): IdTree {
  if (depth > MAX_TREE_DEPTH) throw tooDeep();
  if (reader.left < 2) throw malformed();
  const halves = reader.read(2);
  if (halves === 0) return reader.read(1) as 0 | 1;
  const left = (halves & 2) === 0 ? 0 : readId(reader, depth + 1);
  const right = (halves & 1) === 0 ? 0 : readId(reader, depth + 1);
  // A half that was announced is not nothing, and two whole halves are a whole.
  const isNormal = !((halves & 2) !== 0 && left === 0) && !((halves & 1) !== 0 && right === 0);
  if (!isNormal || (left === 1 && right === 1)) throw malformed();
  return { left, right };
}

function writeEvents(writer: BitWriter, tree: EventTree): void {
  if (typeof tree === "number") return writeNumber(writer, tree);
  const { base, left, right } = tree;
  writer.write(0, 1);
  if (base === 0) {
    writer.write(left === 0 ? 0 : right === 0 ? 1 : 2, 2);
  } else {
    writer.write(3, 2);
    if (left === 0) writer.write(0, 2);
    else if (right === 0) writer.write(1, 2);
    else writer.write(1, 1);
    writeNumber(writer, base);
  }
  if (left !== 0) writeEvents(writer, left);
  if (right !== 0) writeEvents(writer, right);
}

/** `above`: the sum of the bases on the way here. */
function readEvents(reader: BitReader, depth: number, above: number): EventTree {
  if (depth > MAX_TREE_DEPTH) throw tooDeep();
  if (reader.left < 1) throw malformed();
  if (reader.read(1) === 1) return readNumber(reader, above);
  const shape = reader.read(2);
  let halves = shape; // 0: right only, 1: left only, 2: both.
  let base = 0;
  if (shape === 3) {
    halves = reader.read(1) === 1 ? 2 : reader.read(1);
    if (reader.read(1) !== 1) throw malformed();
    base = readNumber(reader, above);
    if (base === 0) throw malformed();
  }
  const left = halves === 0 ? 0 : readEvents(reader, depth + 1, above + base);
  const right = halves === 1 ? 0 : readEvents(reader, depth + 1, above + base);
  if (!isNormal(halves, left, right)) throw malformed();
  return { base, left, right };
}

/** What was announced is there, one half has a base of zero, and the halves are not one leaf. */
function isNormal(halves: number, left: EventTree, right: EventTree): boolean {
  if ((halves !== 0 && left === 0) || (halves !== 1 && right === 0)) return false;
  if (baseOf(left) !== 0 && baseOf(right) !== 0) return false;
  return !(typeof left === "number" && left === right);
}

function writeNumber(writer: BitWriter, number: number): void {
  let rest = number;
  let width = SHORTEST;
  while (rest >= 2 ** width) {
    rest -= 2 ** width;
    width += 1;
  }
  writer.write(2 ** width - 2, width); // As many ones as the width is, the last one a zero …
  writer.write(rest, width);
}

/** A number whose leading 1 was read. */
function readNumber(reader: BitReader, above: number): number {
  let width = SHORTEST;
  let number = 0;
  for (; reader.read(1) === 1; width++) {
    if (width >= LONGEST) throw tooManyEvents();
    number += 2 ** width;
  }
  if (reader.left < width) throw malformed();
  number += reader.read(width);
  if (number + above > Number.MAX_SAFE_INTEGER) throw tooManyEvents();
  return number;
}

function malformed(): QuorateError<"INVALID_ARGUMENT"> {
  return invalidArgument("bytes", "others", "the encoding of a TreeStamp, unchanged");
}
