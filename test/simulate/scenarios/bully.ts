/**
 * Bully: two hints under a partition, one epoch holder, and the greatest member in the end.
 */
import { createBullyElection } from "@quorate/election";
import { hintMembersOf } from "../hint-members.ts";
import type { Scenario } from "../scenario.ts";

/** Five members and a store for their epochs. */
export const bully: Scenario = hintMembersOf("bully", createBullyElection);
