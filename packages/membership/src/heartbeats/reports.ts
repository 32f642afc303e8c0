/**
 * What one member has to report: its events, guarded so that one nobody hears costs nothing, and
 * how many messages counted for nothing.
 */
import type { Runtime } from "@quorate/core";
import type { MemberChanged } from "../membership.ts";
import {
  type DropReason,
  type MembershipConflict,
  type MembershipEvents,
  membershipEvents,
  type MembershipFailed,
  type MembershipSubject,
} from "./events.ts";
import type { Failure } from "./mail.ts";

/** One member's reports. */
export class Reports {
  readonly dropped: Record<DropReason, number> = {
    ...{ unreadable: 0, implausible: 0, outlived: 0, repeated: 0, full: 0 },
  };
  readonly #events: MembershipEvents;
  readonly #subject: MembershipSubject;
  #toldOfLife: string | undefined;

  constructor(runtime: Pick<Runtime, "events">, subject: MembershipSubject) {
    this.#events = membershipEvents(runtime.events);
    this.#subject = subject;
  }

  /** This process thinks something else of a member. */
  changed({ kind, member }: MemberChanged): void {
    const { changed } = this.#events;
    if (!changed.hasSubscribers) return;
    const { id, incarnation, state } = member;
    changed.publish({ ...this.#subject, change: kind, member: id, incarnation, state });
  }

  /** A message counted for nothing. */
  drop(why: DropReason, reason: string): void {
    this.dropped[why] += 1;
    const { dropped } = this.#events;
    if (dropped.hasSubscribers) dropped.publish({ ...this.#subject, why, reason });
  }

  /** The bus did not take a message; nothing, if it did. */
  failed(operation: MembershipFailed["operation"], code: Failure): void {
    const { failed } = this.#events;
    if (code === undefined || !failed.hasSubscribers) return;
    failed.publish({ ...this.#subject, operation, code });
  }

  /** Another life has this name. Told once of each. */
  conflict(
    life: string,
    facts: Pick<MembershipConflict, "outcome" | "incarnation" | "theirs">,
  ): void {
    if (this.#toldOfLife === life) return;
    this.#toldOfLife = life;
    const { conflict } = this.#events;
    if (conflict.hasSubscribers) conflict.publish({ ...this.#subject, ...facts });
  }
}
