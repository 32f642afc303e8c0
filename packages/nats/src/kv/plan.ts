/**
 * What to do next for a put or a delete: the decisions, without any I/O.
 *
 * Given what was asked and what is known of the key, fresh or from memory, each step is one of:
 * read first, write against a sequence, or the answer. Nothing is ever refused by what was only
 * remembered; nothing is written except against the sequence that the decision rests on.
 */
import type { Revision } from "@quorate/core";
import type { Head } from "./heads.ts";

/** The next step of a write. */
export type Plan =
  | { readonly kind: "read" }
  | {
      readonly kind: "write";
      /** The subject's last sequence, 0 if none. */
      readonly expectSeq: number;
      /** To be carried on; `undefined`: this write brings the key into being. */
      readonly createdRevision: Revision | undefined;
    }
  /** The condition does not hold. */
  | { readonly kind: "conflict" };

/** What a plan is made from. */
export interface Situation {
  readonly operationId: string;
  readonly head: Head;
  /** The head was read by this call, after whatever made it look. */
  readonly fresh: boolean;
  /** Revision of a sequence. */
  readonly revisionOf: (seq: number) => Revision;
}

/** The next step of a put with this condition. */
export function planPut(expect: Revision | "absent" | undefined, situation: Situation): Plan {
  const { fresh, head, operationId } = situation;
  // Asked before, it seems: reading recognises it.
  if (!fresh && head.kind === "live" && head.operationId === operationId) return { kind: "read" };
  if (expect === "absent") {
    if (head.kind === "live") return conflictIf(fresh);
    return { kind: "write", expectSeq: seqOf(head), createdRevision: undefined };
  }
  if (expect === undefined) {
    if (head.kind === "unknown") return { kind: "read" };
    const createdRevision = head.kind === "live" ? head.createdRevision : undefined;
    return { kind: "write", expectSeq: seqOf(head), createdRevision };
  }
  if (head.kind === "live" && situation.revisionOf(head.seq) === expect) {
    return { kind: "write", expectSeq: head.seq, createdRevision: head.createdRevision };
  }
  return conflictIf(fresh);
}

/** The next step of a delete. A tombstone of this very operation is the caller's to recognise. */
export function planDelete(expect: Revision | undefined, situation: Situation): Plan {
  const { fresh, head, revisionOf } = situation;
  if (head.kind === "live" && (expect === undefined || revisionOf(head.seq) === expect)) {
    return { kind: "write", expectSeq: head.seq, createdRevision: undefined };
  }
  return conflictIf(fresh);
}

/** What was only remembered is no ground for a no. */
function conflictIf(fresh: boolean): Plan {
  return fresh ? { kind: "conflict" } : { kind: "read" };
}

function seqOf(head: Head): number {
  return head.kind === "live" || head.kind === "dead" ? head.seq : 0;
}
