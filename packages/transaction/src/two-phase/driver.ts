/**
 * Two-phase commit as the worker sees it: which records are open, and how one is driven.
 */
import type { Driver } from "../kernel/contract.ts";
import { deliver } from "./deliver.ts";
import type { Desk } from "./desk.ts";
import { type TwoPhaseRecord, twoPhaseCodec } from "./record.ts";
import type { Waiting } from "./run.ts";

/** The driver of the transactions of `name`. `desk`: of which the driver is a part itself. */
export function driverOf(desk: () => Desk, waiting: Waiting, name: string): Driver<TwoPhaseRecord> {
  return {
    collection: `two-phase/${name}`,
    codec: twoPhaseCodec,
    ownershipOf: ({ ownership }) => ownership,
    withOwnership: (record, ownership) => ({ ...record, ownership }),
    isOpen: ({ progress }) => progress.kind !== "ended",
    canDrive: ({ progress, participants }) => {
      const needed = progress.kind === "decided" ? progress.pending : participants;
      return needed.every((one) => desk().participants.has(one));
    },
    drive: (held, context) => deliver(desk(), held, context, ({ tag }) => waiting.get(tag)?.()),
  };
}
