/**
 * The sweep: prepared branches that nobody carries out.
 *
 * A prepare whose coordinator gave it up, or died, may land after everything else has ended. It
 * holds its locks until somebody asks for it. So each participant is asked now and then what it has
 * prepared, and the coordinator's record says what becomes of it.
 *
 * Guarantees: a branch is carried out only by the decision of the store that it was made with.
 * Does not guarantee that branches of another store, or of one that was emptied, ever end: they
 * are told as an event, for a person.
 */
import type { Ms } from "@quorate/core";
import { ask } from "./ask.ts";
import { branchPrefix } from "./branch.ts";
import { tell } from "./deliver.ts";
import { callParticipant, type Desk } from "./desk.ts";
import type { InDoubtBranch } from "./participant.ts";

/** What one sweep found. */
export interface Swept {
  /** Branches that were carried out. */
  readonly committed: number;
  readonly aborted: number;
  /** Branches whose transaction is still running, or that could not be reached. */
  readonly left: number;
}

/** Looks once at every participant that is served. Never rejects. */
export async function sweep(desk: Desk, signal: AbortSignal): Promise<Swept> {
  const swept = { committed: 0, aborted: 0, left: 0 };
  for (const name of desk.participants.keys()) {
    try {
      for (const found of await inDoubtAt(desk, name, signal)) {
        swept[await carryOut(desk, found, signal)] += 1;
      }
    } catch {
      // Told as an event by whatever failed; the next sweep looks again.
    }
    if (signal.aborted) break;
  }
  return swept;
}

/** What `participant` has prepared for us, and not carried out. @throws its error */
export async function inDoubtAt(
  desk: Desk,
  participant: string,
  signal: AbortSignal,
): Promise<readonly InDoubtBranch[]> {
  const one = desk.participants.get(participant);
  if (one?.inDoubt === undefined) return [];
  // Of all realms: those of others are nobody's to judge, and somebody's to know of.
  const prefix = branchPrefix(desk.settings.name);
  const facts = { id: "", participant, doing: "sweep" } as const;
  const found = await callParticipant(desk, facts, signal, async (call) => {
    return (await one.inDoubt?.(prefix, call)) ?? [];
  });
  const own = found.filter(({ branch }) => branch.participant === participant);
  const realm = await desk.realm();
  tellForeign(
    desk,
    participant,
    own.filter(({ branch }) => branch.realm !== realm),
  );
  return own.filter(({ branch }) => branch.realm === realm);
}

async function carryOut(
  desk: Desk,
  { branch, ageMs }: InDoubtBranch,
  signal: AbortSignal,
): Promise<keyof Swept> {
  const { id, tag, participant } = branch;
  try {
    const decision = await ask(desk, { id, tag, signal });
    if (decision === "undecided") return "left";
    await tell(desk, { id, tag, participant, decision }, signal);
    if (desk.events.swept.hasSubscribers) {
      desk.events.swept.publish({ id, participant, decision, ageMs });
    }
    return decision;
  } catch {
    return "left";
  }
}

function tellForeign(desk: Desk, participant: string, found: readonly InDoubtBranch[]): void {
  if (found.length === 0 || !desk.events.foreign.hasSubscribers) return;
  const oldestMs: Ms = Math.max(...found.map(({ ageMs }) => ageMs));
  desk.events.foreign.publish({ participant, count: found.length, oldestMs });
}
