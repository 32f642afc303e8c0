/**
 * Ring: each side of a partition closes a ring, one has the epoch, and the rings open again.
 */
import { createRingElection } from "@quorate/election";
import { hintMembersOf } from "../hint-members.ts";
import type { Scenario } from "../scenario.ts";

/** Five members and a store for their epochs. */
export const ringElection: Scenario = hintMembersOf("ring-election", createRingElection);
