/**
 * What a test and its worker processes say to each other.
 *
 * The participants of all sagas live in the test's process: they outlive whatever the test does to
 * the workers, and what they remember is the truth that the outcome is judged by. A worker asks
 * them over IPC.
 */

/** A saga of reserve, charge and ship. */
export interface Definition {
  readonly name: string;
  /** Whether ship is the point of no return; else it has an undo as the others have. */
  readonly pivot: boolean;
}

/** The input of every saga. */
export interface OrderInput {
  /** The step whose participant says no; empty: none. */
  readonly refuses: string;
}

/** Where a worker stands still with one saga, after so many of that saga's operations. */
export interface Halt {
  readonly id: string;
  /** Operations that it does: writes of the record, and calls of participants. */
  readonly after: number;
  /** The answer of the last of them is never seen, or the next of them is not begun. */
  readonly before: "answer" | "next";
}

/** From the test. */
export type Order =
  | { readonly kind: "serve"; readonly definitions: readonly Definition[] }
  | { readonly kind: "halt"; readonly halts: readonly Halt[] }
  /** Goes on with what stood still. */
  | { readonly kind: "release"; readonly id: string }
  | {
      readonly kind: "run";
      readonly definition: string;
      readonly sagas: readonly { readonly id: string; readonly input: OrderInput }[];
    }
  | { readonly kind: "verb"; readonly id: string; readonly verb: Verb }
  | { readonly kind: "answer"; readonly call: number; readonly answer: Answer };

/** An operator's word. */
export type Verb = "cancel" | "resolve" | "skip" | "force-compensated" | "force-done";

/** What a participant says. */
export type Answer =
  | { readonly kind: "done"; readonly value: string }
  | { readonly kind: "refused"; readonly reason: string };

/** A call of a participant. */
export interface Call {
  readonly kind: "call";
  readonly call: number;
  readonly id: string;
  readonly step: string;
  readonly operation: "do" | "undo";
  readonly key: string;
  readonly fencingToken: number;
  readonly input: OrderInput;
}

/** How a saga ended, as its caller was told. */
export interface Told {
  readonly kind: "told";
  readonly id: string;
  /** `done`, or the code of the error. */
  readonly how: string;
  readonly value?: string;
}

/** From a worker. */
export type Said =
  | { readonly kind: "ready" }
  | Call
  | Told
  /** It stands still; `at` is the operation that it stands at: `put`, `charge/do`. */
  | { readonly kind: "halted"; readonly id: string; readonly at: string }
  /** The signal of a step aborted; with the code of its reason. */
  | { readonly kind: "aborted"; readonly id: string; readonly step: string; readonly code: string }
  | { readonly kind: "verb"; readonly id: string; readonly code: string }
  | { readonly kind: "takeover"; readonly id: string; readonly from: string; readonly won: boolean }
  | { readonly kind: "trouble"; readonly id: string; readonly code: string }
  | { readonly kind: "unhandled"; readonly what: string };
