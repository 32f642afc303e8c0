/**
 * Words of the protocol: phases, what may happen in them, and what the moves are called.
 */
import type { Ms } from "@quorate/core";
import type { Payload } from "./record.ts";

/** Where a saga is, as far as it matters for what may happen. */
export type Phase =
  /** Before the pivot: everything can still be undone. */
  | "forward"
  /** The pivot may have begun, and has no answer. */
  | "pivoting"
  /** The pivot is done: forward only. */
  | "committed"
  | "compensating"
  /** A child that is done, whose parent has not ended. */
  | "unsealed"
  | "done"
  | "compensated";

/** What a move is called. */
export type Move =
  /** Keep it in the record, go on. */
  | "note"
  /** Turn back: from now on everything is undone. */
  | "decide"
  /** Stop until an operator says what to do. */
  | "park"
  /** Raise the flag, and keep trying. */
  | "flag"
  /** As `onExhausted` of the step says: decide or park. */
  | "give-up"
  /** Take it off the list of undos; the last one ends the saga. */
  | "undone"
  | "end-done"
  | "end-compensated"
  /** Forget failures and flags, try at once. */
  | "again"
  | "seal"
  /** It changes nothing: too late, or known. */
  | "ignore"
  /** The operator's verb does not apply: WRONG_STATE. */
  | "refuse";

/** What the engine reports. */
export type Report =
  | { readonly kind: "begun"; readonly step: string }
  | { readonly kind: "done"; readonly step: string; readonly output?: Payload | undefined }
  | { readonly kind: "skipped"; readonly step: string }
  | { readonly kind: "refused"; readonly step: string; readonly reason: string }
  | ({ readonly kind: "failed"; readonly notBeforeMs: Ms } & Failure)
  | ({ readonly kind: "exhausted"; readonly notBeforeMs: Ms } & Failure)
  | { readonly kind: "unstorable"; readonly step: string; readonly reason: string }
  | { readonly kind: "deadline" }
  | { readonly kind: "finish"; readonly result: Payload | undefined }
  | { readonly kind: "unfit"; readonly what: string; readonly reason: string }
  | { readonly kind: "undone"; readonly step: string }
  | ({ readonly kind: "undo-failed"; readonly notBeforeMs: Ms } & Failure)
  | ({ readonly kind: "undo-exhausted" } & Failure)
  | { readonly kind: "parent-undo"; readonly reason: string }
  | { readonly kind: "seal" }
  | { readonly kind: "sealed" };

/** A failed attempt. */
export interface Failure {
  readonly step: string;
  readonly error: string;
  /** It may have taken effect. */
  readonly isInDoubt: boolean;
}

/** What an operator wants. */
export type Verb =
  | { readonly kind: "retry"; readonly target: string | undefined }
  | { readonly kind: "skip"; readonly target: string }
  | { readonly kind: "resolve"; readonly target: string; readonly output?: Payload | undefined }
  | { readonly kind: "cancel"; readonly reason: string }
  | { readonly kind: "force-done"; readonly result: Payload | undefined }
  | { readonly kind: "force-compensated" };

/** What the machine is asked with. */
export type Input = Report | Verb;
/** Its kind. */
export type InputKind = Input["kind"];
