/**
 * Names of branches, and the keys that are made of them.
 *
 * A branch is `<transaction>/<step>`, a key is a branch and what is asked of it:
 * `order-7/charge/do`
 * of a saga, `transfer-9/debit/try` of a TCC. The keys of one branch differ only in their last
 * segment, so that its undo finds what its action left behind.
 */
import { checkName, invalidArgument } from "@quorate/core";

import type { Operation } from "./machine.ts";

/** A key, taken apart. */
export interface BranchKey {
  /** `<transaction>/<step>`. */
  readonly branch: string;
  readonly operation: Operation;
}

const OPERATION_OF: ReadonlyMap<string, Operation> = new Map([
  ["do", "try"],
  ["undo", "cancel"],
  ["try", "try"],
  ["confirm", "confirm"],
  ["cancel", "cancel"],
]);

/** A branch's record has one more segment before it. */
const MAX_SEGMENTS = 15;

/**
 * The branch and the operation that a key names: the `key` that a saga or a TCC hands to its work.
 *
 * @throws INVALID_ARGUMENT, TOO_LARGE it is not such a key.
 *
 * @example
 * import { branchOf } from "@quorate/transaction";
 * const { branch, operation } = branchOf("order-7/charge/undo");
 * console.log(branch, operation); // => order-7/charge cancel
 */
export function branchOf(key: string): BranchKey {
  checkName("key", key);
  const cut = key.lastIndexOf("/");
  const operation = OPERATION_OF.get(key.slice(cut + 1));
  if (operation === undefined) {
    throw invalidArgument("key", key, "a key that ends in /do, /undo, /try, /confirm or /cancel");
  }
  return { branch: checkBranch("key", key.slice(0, Math.max(0, cut))), operation };
}

/** `branch` if it is `<transaction>/<step>`. @throws INVALID_ARGUMENT, TOO_LARGE */
export function checkBranch(option: string, branch: string): string {
  checkName(option, branch);
  const segments = branch.split("/").length;
  if (segments >= 2 && segments <= MAX_SEGMENTS) return branch;
  const wanted = `<transaction>/<step>, of 2 to ${MAX_SEGMENTS} segments`;
  throw invalidArgument(option, branch, wanted);
}

/** The branch of a key that must ask for `operation`: a saga's undo must not pass as its action. */
export function branchFor(key: string, operation: Operation): string {
  const call = branchOf(key);
  if (call.operation === operation) return call.branch;
  throw invalidArgument(
    "key",
    key,
    operation === "try" ? "a key of an action" : "a key of an undo",
  );
}
