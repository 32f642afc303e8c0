/**
 * Records: what the coordinator writes of a transaction, as JSON that a person can read.
 *
 *     {"v":1,"tag":"…","participants":["orders","stock"],"state":"preparing",…}
 *
 * The first write is the list of participants, before any of them does anything: whoever finds it
 * knows where to look for what a crash left. The second is the decision. The third says that all
 * have carried it out; from then on it is only kept for those who ask late.
 *
 * Records are foreign input: parsed within bounds, and what does not fit is refused and left.
 */
import { type Json, type Ms, parseJson } from "@quorate/core";
import type { Ownership, RecordCodec } from "../kernel/contract.ts";
import { isHex, TAG_LENGTH } from "./branch.ts";
import type { Stage } from "./machine.ts";

/** How a transaction was decided. */
export type Decision = "committed" | "aborted";

/** Where it stands. */
export type Progress =
  | { readonly kind: "preparing" }
  | {
      readonly kind: "decided";
      readonly decision: Decision;
      /** Participants that have not said that they carried it out. */
      readonly pending: readonly string[];
      /** Wall time of whoever decided. */
      readonly decidedAtMs: Ms;
      /** Why it aborted; empty if it committed. */
      readonly reason: string;
    }
  | {
      readonly kind: "ended";
      readonly decision: Decision;
      readonly endedAtMs: Ms;
      readonly reason: string;
    };

/** A transaction, as it is stored. */
export interface TwoPhaseRecord {
  readonly ownership: Ownership;
  /** Names the run: see `Branch`. */
  readonly tag: string;
  readonly participants: readonly string[];
  /** The one whose local commit is the commit point; empty: none, the record's own write is. */
  readonly lastResource: string;
  /** Wall time of its coordinator when it began. */
  readonly startedAtMs: Ms;
  /** When, by anybody's wall clock, whoever asks may abort it. Moves the time, never the safety. */
  readonly deadlineAtMs: Ms;
  readonly progress: Progress;
}

const VERSION = 1;
/** Most participants of one transaction. */
export const MAX_PARTICIPANTS = 32;
/** Longest reason that is stored. */
export const MAX_REASON_LENGTH = 200;

/** What the machine needs to know of a record. */
export function stageOf(record: TwoPhaseRecord | undefined): Stage {
  if (record === undefined) return "absent";
  const { progress } = record;
  if (progress.kind === "preparing") return "preparing";
  return progress.kind === "decided" ? progress.decision : `ended-${progress.decision}`;
}

/** Records of two-phase commit as text and back. */
export const twoPhaseCodec: RecordCodec<TwoPhaseRecord> = {
  encode: (record) => JSON.stringify({ v: VERSION, ...record }),
  decode(text) {
    const parsed = parseJson(text, { maxBytes: 65_536, maxDepth: 6, maxNodes: 500 });
    if (!parsed.ok) return parsed;
    const record = read(parsed.value);
    return typeof record === "string" ? { ok: false, reason: record } : { ok: true, record };
  },
};

type Fields = Readonly<Record<string, Json | undefined>>;

/** The record, or the name of the field that is wrong. */
function read(value: Json): TwoPhaseRecord | string {
  const fields = fieldsOf(value);
  if (fields === undefined) return "it is no object";
  if (fields["v"] !== VERSION) return "it has another version";
  const { tag, participants, lastResource, startedAtMs, deadlineAtMs } = fields;
  const ownership = readOwnership(fields["ownership"]);
  const progress = readProgress(fields["progress"]);
  if (ownership === undefined) return "bad ownership";
  if (progress === undefined) return "bad progress";
  if (!isHex(tag, TAG_LENGTH)) return "bad tag";
  if (!areNames(participants)) return "bad participants";
  if (typeof lastResource !== "string") return "bad lastResource";
  if (!isTime(startedAtMs) || !isTime(deadlineAtMs)) return "bad times";
  return { ownership, tag, participants, lastResource, startedAtMs, deadlineAtMs, progress };
}

function readOwnership(value: Json | undefined): Ownership | undefined {
  const { owner, fence, takeovers } = fieldsOf(value) ?? {};
  if (typeof owner !== "string" || !isCount(fence) || !isCount(takeovers)) return undefined;
  return { owner, fence, takeovers };
}

function readProgress(value: Json | undefined): Progress | undefined {
  const fields = fieldsOf(value) ?? {};
  const { kind, decision, reason } = fields;
  if (kind === "preparing") return { kind };
  if (decision !== "committed" && decision !== "aborted") return undefined;
  if (typeof reason !== "string") return undefined;
  if (kind === "ended") {
    const { endedAtMs } = fields;
    return isTime(endedAtMs) ? { kind, decision, endedAtMs, reason } : undefined;
  }
  const { pending, decidedAtMs } = fields;
  if (kind !== "decided" || !areNames(pending) || !isTime(decidedAtMs)) return undefined;
  return { kind, decision, pending, decidedAtMs, reason };
}

function fieldsOf(value: Json | undefined): Fields | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Fields;
}

function areNames(value: Json | undefined): value is readonly string[] {
  if (!Array.isArray(value) || value.length > MAX_PARTICIPANTS) return false;
  return value.every((name) => typeof name === "string");
}

function isTime(value: Json | undefined): value is Ms {
  return typeof value === "number" && Number.isFinite(value);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
