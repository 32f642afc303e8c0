/**
 * Strategies against split brain: which side of a cut goes on.
 *
 * Both sides decide alone, with the same rule, from what each sees; so that at most one stays. A
 * strategy is plain data, the same at every process of the group.
 *
 * | strategy | stays | promises at most one side |
 * |--|--|--|
 * | `keepMajority` | the larger half, or the least id's | if both have heard of all members |
 * | `staticQuorum` | who has `size` members | while there are at most `2·size - 1` members |
 * | `keepOldest` | who has the oldest | if there is a member that both sides count |
 * | `keepReferee` | who has the referee | always; with the referee all goes |
 * | `leaseMajority` | who gets a lease of a store | always, as far as the store's leases are |
 *
 * Akka's Split Brain Resolver has strategies of these kinds; its documentation is worth reading.
 */
import {
  boolean,
  boundedString,
  knownOptions,
  type Ms,
  nonNegative,
  positiveInteger,
} from "@quorate/core";

/** A rule that all processes of a group share. */
export type SplitStrategy =
  | { readonly kind: "keep-majority" }
  | { readonly kind: "static-quorum"; readonly size: number }
  | { readonly kind: "keep-oldest"; readonly downIfAlone: boolean }
  | { readonly kind: "keep-referee"; readonly id: string }
  | { readonly kind: "lease-majority"; readonly minorityDelayMs: Ms };

/** The larger half stays; of two equal halves that with the least id. */
export function keepMajority(): SplitStrategy {
  return { kind: "keep-majority" };
}

/**
 * Who reaches `size` members stays. For groups of a fixed size; with more than `2·size - 1` members
 * two sides could reach it, and then a cut takes all down.
 *
 * @throws INVALID_ARGUMENT `size` is no integer above 0.
 */
export function staticQuorum(options: { readonly size: number }): SplitStrategy {
  knownOptions("options", options, ["size"]);
  return { kind: "static-quorum", size: positiveInteger("size", options.size) };
}

/**
 * Who has the oldest member stays, however few they are. With `downIfAlone` (the default) not if it
 * is the only one there: else the failure of one process would end all others.
 */
export function keepOldest(options: { readonly downIfAlone?: boolean } = {}): SplitStrategy {
  knownOptions("options", options, ["downIfAlone"]);
  const { downIfAlone = true } = options;
  return { kind: "keep-oldest", downIfAlone: boolean("downIfAlone", downIfAlone) };
}

/** Who reaches the member `id` stays. When that one crashes, all others end too. */
export function keepReferee(options: { readonly id: string }): SplitStrategy {
  knownOptions("options", options, ["id"]);
  return { kind: "keep-referee", id: boundedString("id", options.id, 128) };
}

/**
 * Who gets the lease stays. The majority asks at once, the others wait for `minorityDelayMs` first,
 * so that mostly it is the majority. Needs a store that both sides may reach.
 *
 * @throws INVALID_ARGUMENT
 */
export function leaseMajority(options: { readonly minorityDelayMs?: Ms } = {}): SplitStrategy {
  knownOptions("options", options, ["minorityDelayMs"]);
  const minorityDelayMs = nonNegative("minorityDelayMs", options.minorityDelayMs ?? 2_000);
  return { kind: "lease-majority", minorityDelayMs };
}
