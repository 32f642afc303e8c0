/**
 * Asking for a decision: what a participant in doubt does, and what ends its doubt.
 *
 * While the deadline lasts, `undecided` is an answer. After it, whoever asks writes `aborted` by
 * compare-and-set over the record that it read; the coordinator writes `committed` the same way,
 * over the same revision. One of the two wins, and the other reads what it lost to. So a lost
 * coordinator blocks nobody for longer than the deadline and one exchange with the store.
 *
 * With a last resource the commit point is in its database, so that is settled first, and the
 * record follows.
 */
import { raceAbort } from "@quorate/core";
import type { Stored } from "../kernel/contract.ts";
import { branchOf, callParticipant, decided, type Desk, publishDecided } from "./desk.ts";
import { coordinate } from "./machine.ts";
import type { Answer } from "./participant.ts";
import { type Decision, stageOf, type TwoPhaseRecord } from "./record.ts";

/** Lost races in one question; whoever won them knows more. */
const MAX_RACES = 8;

/** Why it was aborted by one who asked. */
const LATE = "its deadline passed without a decision";

/** What is asked about. */
export interface Question {
  readonly id: string;
  /** Of which run. */
  readonly tag: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The decision on a run of which something was found: without a record it has aborted. Past the
 * deadline one is made. @throws the store's error: ask again.
 */
export async function ask(desk: Desk, question: Question): Promise<Answer> {
  return (await answerFor(desk, question)) ?? "aborted";
}

/**
 * As `ask`, about whatever run there is of an id. Without a record nothing is presumed: it may be
 * that it has yet to begin.
 */
export async function answerFor(
  desk: Desk,
  { id, tag, signal }: Omit<Question, "tag"> & { readonly tag?: string },
): Promise<Answer | undefined> {
  for (let race = 0; race < MAX_RACES; race++) {
    const stored = await raceAbort(desk.station.read(id), signal);
    if (stored === undefined) return undefined;
    // Another run has the id: the one that is asked about has ended, or never was.
    const mine = tag === undefined || stored.record.tag === tag ? stored : undefined;
    const move = coordinate(stageOf(mine?.record), isLate(desk, mine) ? "asked-late" : "asked");
    if (move === "commit") return "committed";
    if (move === "abort") return "aborted";
    if (move !== "write-aborted" || mine === undefined) return "undecided";
    const answer = await decideLate(desk, mine, signal);
    if (answer !== "lost") return answer;
  }
  return "undecided";
}

function isLate(desk: Desk, stored: Stored<TwoPhaseRecord> | undefined): boolean {
  return stored !== undefined && desk.backend.runtime.time.wallMs() >= stored.record.deadlineAtMs;
}

async function decideLate(
  desk: Desk,
  stored: Stored<TwoPhaseRecord>,
  signal: AbortSignal | undefined,
): Promise<Answer | "lost"> {
  const { id, record } = stored;
  const decision = await settle(desk, stored, signal);
  if (decision === "undecided") return decision;
  const next = withDecision(desk, record, decision, LATE);
  const written = await raceAbort(desk.station.replace(stored, next), signal);
  if (written === undefined) return "lost";
  publishDecided(desk, id, next, "asker");
  desk.station.nudge(id);
  return decision;
}

/**
 * How an abandoned transaction is to end: aborted, unless its last resource committed.
 * `undecided`: that one is not served here, or did not answer.
 */
export async function settle(
  desk: Desk,
  { id, record }: Stored<TwoPhaseRecord>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { lastResource: participant, tag } = record;
  if (participant === "") return "aborted";
  const last = desk.participants.get(participant);
  const branch = await branchOf(desk, { id, tag, participant });
  const facts = { id, participant, doing: "settle" } as const;
  const settling = callParticipant(desk, facts, signal, async (call) => {
    return (await last?.settle?.(branch, call)) ?? "undecided";
  });
  return settling.catch(() => "undecided" as const);
}

/** `record`, decided by somebody who does not know the votes: everybody has to be told. */
export function withDecision(
  desk: Desk,
  record: TwoPhaseRecord,
  decision: Decision,
  reason: string,
): TwoPhaseRecord {
  const pending = record.participants.filter((name) => name !== record.lastResource);
  const why = decision === "committed" ? "" : reason;
  return { ...record, progress: decided(desk, { decision, reason: why, pending }) };
}
