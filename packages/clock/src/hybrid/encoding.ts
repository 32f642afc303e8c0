/**
 * Three ways to write a hybrid timestamp down, each in the order of `compareHybrid`.
 *
 * - Text: 12 hexadecimal digits of `timeMs`, 4 of `counter`, then the node:
 *   `019b76daa800-0003-paris`. Printable ASCII throughout, so it sorts the same in JavaScript, in
 *   Redis, in SQL with a binary collation, in a file name. Characters of a node id outside
 *   `"` to `}` are escaped in a way that keeps their order (by UTF-16 unit, as `compareNodeIds`).
 * - Bytes: the same 8 bytes, big-endian, without the node; or as a BigInt for a BIGINT column
 *   (it stays positive there until the year 6429).
 * - JSON: `[timeMs, counter, node]`, compared item by item.
 *
 * Guarantees: for all timestamps a and b the texts compare as a and b do, and what is written is
 * read back. The readers take foreign input: whatever no writer here makes is `INVALID_ARGUMENT`.
 */
import { invalidArgument } from "@quorate/core";
import { checkNodeId, type NodeId } from "../node-id.ts";
import { checkHybridTimestamp, type HybridTimestamp } from "./timestamp.ts";

/** Three hexadecimal digits each: four look-ups are cheaper than formatting and padding. */
const HEX: readonly string[] = Array.from({ length: 4_096 }, (_, value) =>
  value.toString(16).padStart(3, "0"),
);
const DIGITS = "0123456789abcdef";
/** Value of each digit by its character code; -1 for all else up to `f`. */
const VALUES: Int8Array = Int8Array.from({ length: 0x67 }, (_, code) =>
  DIGITS.indexOf(String.fromCharCode(code)),
);
const HEAD_LENGTH = 18;
/** A node id has at most 128 units, and an escaped one takes 5 characters. */
const MAX_TEXT_LENGTH = HEAD_LENGTH + 128 * 5;

// `!` sorts before and `~` after every character that stands for itself.
const PLAIN = /^["-}]*$/;
const ESCAPABLE = /[^"-}]/g;
const ESCAPED = /![01][0-9a-f]|!2[01]|~[0-9a-f]{4}/g;
const ESCAPED_NODE = /^(?:["-}]|![01][0-9a-f]|!2[01]|~[0-9a-f]{4})+$/;

/** JSON of a hybrid timestamp. */
export type HybridJson = readonly [timeMs: number, counter: number, node: NodeId];

/**
 * The timestamp as sortable text.
 *
 * @example
 * import { formatHybrid, parseHybrid } from "@quorate/clock";
 * const text = formatHybrid({ timeMs: 1_767_225_600_000, counter: 3, node: "paris" });
 * console.log(text); // => 019b76daa800-0003-paris
 * console.log(parseHybrid(text).counter); // => 3
 */
export function formatHybrid(timestamp: HybridTimestamp): string {
  const { timeMs, counter, node } = timestamp;
  const high = Math.floor(timeMs / 16_777_216);
  const low = timeMs - high * 16_777_216;
  const time = `${HEX[high >>> 12]}${HEX[high & 4_095]}${HEX[low >>> 12]}${HEX[low & 4_095]}`;
  return `${time}-${DIGITS[counter >>> 12]}${HEX[counter & 4_095]}-${escapeNode(node)}`;
}

/** Reverses `formatHybrid`. @throws INVALID_ARGUMENT for what it never makes. */
export function parseHybrid(text: string): HybridTimestamp {
  if (typeof text !== "string" || text.length > MAX_TEXT_LENGTH) throw malformed(text);
  const high = hexAt(text, 0, 6);
  const low = hexAt(text, 6, 12);
  const counter = hexAt(text, 13, 17);
  const isHead = (high | low | counter) >= 0 && text[12] === "-" && text[17] === "-";
  const node = isHead ? unescapeNode(text.slice(HEAD_LENGTH)) : undefined;
  if (node === undefined) throw malformed(text);
  return { timeMs: high * 16_777_216 + low, counter, node: checkNodeId("text", node) };
}

/** Time and counter in 8 bytes, big-endian. The node is not in it. */
export function packHybrid(timestamp: HybridTimestamp): Uint8Array {
  const { timeMs, counter } = timestamp;
  const high = Math.floor(timeMs / 65_536);
  const low = timeMs - high * 65_536;
  const bytes = new Uint8Array(8);
  bytes[0] = high >>> 24;
  bytes[1] = high >>> 16;
  bytes[2] = high >>> 8;
  bytes[3] = high;
  bytes[4] = low >>> 8;
  bytes[5] = low;
  bytes[6] = counter >>> 8;
  bytes[7] = counter;
  return bytes;
}

/** Reverses `packHybrid` for a timestamp of `node`. @throws INVALID_ARGUMENT unless 8 bytes. */
export function unpackHybrid(bytes: Uint8Array, node: NodeId): HybridTimestamp {
  if (!(bytes instanceof Uint8Array) || bytes.byteLength !== 8) {
    throw invalidArgument("bytes", bytes, "a Uint8Array of 8 bytes");
  }
  const high = pairAt(bytes, 0) * 65_536 + pairAt(bytes, 2);
  const timeMs = high * 65_536 + pairAt(bytes, 4);
  return { timeMs, counter: pairAt(bytes, 6), node: checkNodeId("node", node) };
}

/** Time and counter as one number: `timeMs · 2¹⁶ + counter`. The node is not in it. */
export function hybridToBigInt(timestamp: HybridTimestamp): bigint {
  return (BigInt(timestamp.timeMs) << 16n) | BigInt(timestamp.counter);
}

/** Reverses `hybridToBigInt`. @throws INVALID_ARGUMENT outside [0, 2⁶⁴). */
export function hybridFromBigInt(packed: bigint, node: NodeId): HybridTimestamp {
  if (typeof packed !== "bigint" || packed < 0n || packed >> 64n !== 0n) {
    throw invalidArgument("packed", packed, "a bigint from 0 to 2^64 - 1");
  }
  const counter = Number(packed & 0xffffn);
  return { timeMs: Number(packed >> 16n), counter, node: checkNodeId("node", node) };
}

/** `[timeMs, counter, node]`. */
export function hybridToJson(timestamp: HybridTimestamp): HybridJson {
  return [timestamp.timeMs, timestamp.counter, timestamp.node];
}

/**
 * Reverses `hybridToJson`: `value` is what `JSON.parse` returned and may be anything.
 *
 * @throws INVALID_ARGUMENT for what `hybridToJson` never makes.
 */
export function hybridFromJson(value: unknown): HybridTimestamp {
  if (!Array.isArray(value) || value.length !== 3) {
    throw invalidArgument("value", value, "[timeMs, counter, node]");
  }
  const [timeMs, counter, node] = value as [number, number, NodeId];
  if (Object.is(timeMs, -0) || Object.is(counter, -0)) {
    throw invalidArgument("value", "-0", "free of negative zeros");
  }
  return checkHybridTimestamp("value", { timeMs, counter, node });
}

/** Two bytes as a number. */
function pairAt(bytes: Uint8Array, index: number): number {
  return ((bytes[index] as number) << 8) | (bytes[index + 1] as number);
}

/** The number that the digits from `from` to `to` are; negative if one of them is none. */
function hexAt(text: string, from: number, to: number): number {
  let number = 0;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    // Past the end the code is NaN. A -1 sets all bits; six shifts leave the sign.
    number = (number << 4) | (code < 0x67 ? (VALUES[code] as number) : -1);
  }
  return number;
}

function escapeNode(node: NodeId): string {
  if (PLAIN.test(node)) return node;
  return node.replaceAll(ESCAPABLE, (unit) => {
    const code = unit.charCodeAt(0);
    // Below `"`: two digits do. Above `}`: four, whatever it is.
    if (code < 0x22) return `!${code.toString(16).padStart(2, "0")}`;
    return `~${code.toString(16).padStart(4, "0")}`;
  });
}

/** The node id, if `text` is the one way to write it. */
function unescapeNode(text: string): NodeId | undefined {
  if (text === "" || PLAIN.test(text)) return text === "" ? undefined : text;
  if (!ESCAPED_NODE.test(text)) return undefined;
  const node = text.replaceAll(ESCAPED, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
  return escapeNode(node) === text ? node : undefined;
}

function malformed(text: unknown): Error {
  return invalidArgument("text", text, "12 hex digits, '-', 4 hex digits, '-', an escaped node id");
}
