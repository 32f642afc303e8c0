/**
 * A write: what is to be done, and what was sent of it.
 */
import type { NewRecord } from "../record.ts";
import type { KeyCall } from "./context.ts";
import type { Head } from "./heads.ts";
import type { Plan } from "./plan.ts";

/** A write to be done. */
export interface Write extends KeyCall {
  readonly operationId: string;
  readonly record: NewRecord;
  readonly value: Uint8Array;
  /** Decides by what is known; `fresh` says that it was read just now. */
  readonly plan: (head: Head, fresh: boolean) => Plan;
}

/** What was sent, as far as settling it needs. */
export interface Sent extends Write {
  /** Given to nothing else, so what the server says of it is about this write alone. */
  readonly messageId: string;
  readonly expectSeq: number;
  /** What was published under `messageId` since, to find out: then the id proves nothing more. */
  readonly trace: { idIsSpent: boolean };
}
