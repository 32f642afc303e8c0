/**
 * `@quorate/membership`: who is alive.
 */
export type {
  Member,
  MemberChanged,
  Membership,
  MembershipEvent,
  MembershipWatchOptions,
  MemberState,
} from "./membership.ts";
