/**
 * The second phase: participants are told the decision until each has carried it out.
 *
 * By whoever drives the record, the process that ran the transaction or one that took it over;
 * participants know repeats. There is nothing to decide here, and nothing that could go wrong but
 * time.
 */
import { linkedController, type Ms, sleep } from "@quorate/core";
import type { DriveContext, Held } from "../kernel/contract.ts";
import { settle, withDecision } from "./ask.ts";
import { branchOf, callParticipant, type Desk, publishDecided } from "./desk.ts";
import { coordinate } from "./machine.ts";
import type { Participant } from "./participant.ts";
import { type Decision, stageOf, type TwoPhaseRecord } from "./record.ts";

/** Why a transaction was aborted by whoever took it over. */
const ORPHANED = "its coordinator was gone before the decision";

/** A record that is decided. */
type Decided = Extract<TwoPhaseRecord["progress"], { kind: "decided" }>;

/** Drives `held` to its end, or as far as `context` lets it. */
export async function deliver(
  desk: Desk,
  held: Held<TwoPhaseRecord>,
  context: DriveContext,
  onAcked: (record: TwoPhaseRecord) => void,
): Promise<void> {
  let pauseMs = desk.settings.retryMs;
  while (coordinate(stageOf(held.record), "coordinator-gone") === "write-aborted") {
    if (await decideOrphan(desk, held, context)) break;
    pauseMs = await pause(desk, pauseMs, context);
    if (context.closing.aborted || context.signal.aborted) return;
  }
  pauseMs = desk.settings.retryMs;
  for (let attempt = 1; held.record.progress.kind === "decided"; attempt++) {
    const { progress } = held.record;
    const left = await tellAll(desk, held, { progress, attempt, signal: context.signal });
    if (left.length === 0) return end(desk, held, progress, onAcked);
    if (left.length < progress.pending.length) {
      // Written only when somebody is late: whoever looks at it should see who.
      const pending = left;
      await desk.station.apply(held, (record) => ({
        ...record,
        progress: { ...progress, pending },
      }));
    }
    if (context.closing.aborted || context.signal.aborted) return;
    pauseMs = await pause(desk, pauseMs, context);
    if (context.closing.aborted || context.signal.aborted) return;
  }
}

/** Nobody can vote any more: the one who took it over decides. False: it could not. */
async function decideOrphan(
  desk: Desk,
  held: Held<TwoPhaseRecord>,
  { signal }: DriveContext,
): Promise<boolean> {
  const decision = await settle(desk, held, signal);
  if (decision === "undecided") return false;
  await desk.station.apply(held, (record) => {
    return record.progress.kind === "preparing"
      ? withDecision(desk, record, decision, ORPHANED)
      : record;
  });
  publishDecided(desk, held.id, held.record, "recovery");
  return true;
}

interface Round {
  readonly progress: Decided;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** Tells all who are pending at once; the names of those who did not answer. */
async function tellAll(
  desk: Desk,
  { id, record: { tag } }: Held<TwoPhaseRecord>,
  { progress, attempt, signal }: Round,
): Promise<readonly string[]> {
  const { decision, pending } = progress;
  const told = await Promise.allSettled(
    pending.map(async (participant) => {
      const order = { id, tag, participant, decision, attempt };
      return tell(desk, order, signal);
    }),
  );
  return pending.filter((_, index) => told[index]?.status === "rejected");
}

/** One order to one participant. */
export interface OrderTo {
  readonly id: string;
  readonly tag: string;
  readonly participant: string;
  readonly decision: Decision;
  readonly attempt?: number;
}

/** Tells one participant how it was decided. @throws its error */
export async function tell(desk: Desk, order: OrderTo, signal?: AbortSignal): Promise<void> {
  const { id, participant: name, decision, attempt = 1 } = order;
  const participant = desk.participants.get(name) as Participant<unknown>;
  const branch = await branchOf(desk, order);
  const doing = decision === "committed" ? "commit" : "abort";
  const facts = { id, participant: name, doing, attempt } as const;
  await callParticipant(desk, facts, signal, (call) => participant[doing](branch, call));
}

/** The last write: nobody will ever need the decision again but those who ask late. */
async function end(
  desk: Desk,
  held: Held<TwoPhaseRecord>,
  { decision, decidedAtMs, reason }: Decided,
  onAcked: (record: TwoPhaseRecord) => void,
): Promise<void> {
  const endedAtMs = desk.backend.runtime.time.wallMs();
  const ended: TwoPhaseRecord = {
    ...held.record,
    progress: { kind: "ended", decision, endedAtMs, reason },
  };
  // Before the write: whoever waits, waits for the participants.
  onAcked(ended);
  if (desk.events.ended.hasSubscribers) {
    const inDoubtMs = Math.max(0, endedAtMs - decidedAtMs);
    desk.events.ended.publish({ id: held.id, decision, inDoubtMs });
  }
  const { retentionMs } = desk.settings;
  await desk.station.apply(held, (record) => ({ ...ended, ownership: record.ownership }), {
    retentionMs,
  });
}

/** Ends early when the worker closes, or lost its lease. Resolves to the length of the next one. */
async function pause(desk: Desk, forMs: Ms, { signal, closing }: DriveContext): Promise<Ms> {
  const { runtime } = desk.backend;
  const either = linkedController(signal, closing);
  const jitteredMs = forMs * (0.5 + runtime.random.next() / 2);
  const options = { signal: either.signal, keepAlive: false };
  await sleep(runtime, jitteredMs, options).catch(() => {});
  either.detach();
  return Math.min(forMs * 2, desk.settings.maxRetryMs);
}
