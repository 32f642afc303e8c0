/**
 * What a run notes of itself: its fingerprint, how often each thing happened, and, where asked,
 * the trace of it line by line.
 *
 * The first pass over a seed keeps no trace: hash and counts are enough to judge it, and ten times
 * cheaper. A seed that fails is run again, the same by construction, with the trace on.
 */
import { TraceHash } from "./trace-hash.ts";

/** What a line of the trace is about. */
export type TraceKind =
  | "send"
  | "receive"
  | "drop"
  | "state"
  | "fault"
  | "event"
  | "mark"
  | "note"
  | "violation";

/** One line of the trace. */
export interface TraceEntry {
  /** World time since the start. */
  readonly atMs: number;
  /** The process or server that it happened to; empty: the world. */
  readonly node: string;
  readonly kind: TraceKind;
  readonly text: string;
  /** Of messages: the other end. */
  readonly peer?: string;
  /** Of messages: unique in the run, the same at both ends. */
  readonly message?: number;
}

/** Lines kept when nobody says how many. */
export const DEFAULT_TRACE_LINES = 10_000;

/** Different names that are counted; beyond, all further ones are counted as one. */
const MAX_COUNTED_NAMES = 10_000;
const OVERFLOW = "(other names)";

/** The last lines of a run. */
export class TraceLog {
  readonly #max: number;
  #entries: TraceEntry[] = [];
  #dropped = 0;

  constructor(max: number = DEFAULT_TRACE_LINES) {
    this.#max = max;
  }

  /** Keeps a line; the oldest goes when the log is full. */
  add(entry: TraceEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length < 2 * this.#max) return;
    this.#dropped += this.#entries.length - this.#max;
    this.#entries = this.#entries.slice(-this.#max);
  }

  /** Oldest first. */
  get entries(): readonly TraceEntry[] {
    return this.#entries.slice(-this.#max);
  }

  /** Lines that were forgotten before the first of `entries`. */
  get forgotten(): number {
    return this.#dropped + Math.max(0, this.#entries.length - this.#max);
  }
}

/** Hash, counts and trace of one run. */
export class Witness {
  readonly hash: TraceHash = new TraceHash();
  readonly trace: TraceLog | undefined;
  readonly #counts = new Map<string, number>();

  constructor(trace?: TraceLog) {
    this.trace = trace;
  }

  /** `name` happened. */
  count(name: string, times = 1): void {
    const before = this.#counts.get(name);
    if (before === undefined && this.#counts.size >= MAX_COUNTED_NAMES) {
      return void this.#counts.set(OVERFLOW, (this.#counts.get(OVERFLOW) ?? 0) + times);
    }
    this.#counts.set(name, (before ?? 0) + times);
  }

  /** How often each name happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Adds a line, if anybody reads it. */
  line(atUs: number, node: string, kind: TraceKind, text: string): void {
    this.trace?.add({ atMs: atUs / 1_000, node, kind, text });
  }
}

/** A line as people read it: time, place, what. */
export function formatEntry(entry: TraceEntry): string {
  const at = entry.atMs.toFixed(3).padStart(11);
  const who = (entry.node === "" ? "world" : entry.node).padEnd(14);
  const peer = peerOf(entry);
  return `${at} ms  ${who} ${entry.kind.padEnd(8)} ${entry.text}${peer}`.trimEnd();
}

function peerOf({ kind, peer }: TraceEntry): string {
  if (peer === undefined) return "";
  return kind === "receive" ? ` from ${peer}` : ` to ${peer}`;
}
