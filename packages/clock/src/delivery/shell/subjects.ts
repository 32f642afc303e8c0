/**
 * Subjects of a group: one for all, one for each member.
 *
 * A member's name may hold anything, a `/` too, so its subject is made of a digest of the name:
 * nobody can be called in a way that reaches another's subject. The order is part of the subject,
 * so two orders under one group name do not hear each other.
 */
import { createHash } from "node:crypto";
import { checkName } from "@quorate/core";

import type { MemberId } from "../member.ts";

/** Which order a group is under. */
export type OrderName = "fifo" | "causal" | "sequencer" | "agreement";

/** The subject that all members hear. */
export function subjectOfAll(group: string, order: OrderName): string {
  return checkName("group", `${group}/${order}/all`);
}

/** The subject that one member hears. */
export function subjectOf(group: string, order: OrderName, member: MemberId): string {
  const digest = createHash("sha256").update(member).digest("hex").slice(0, 32);
  return checkName("group", `${group}/${order}/to/${digest}`);
}
