/**
 * One participant: its own commit is all the atomicity there is to have.
 *
 * No vote, no record, no write of ours at all. So there is nothing to ask afterwards either: where
 * the commit is not answered, only the participant knows, and the caller is told so.
 */
import { effectOf, linkedController, raceAbort } from "@quorate/core";
import { callParticipant, type Desk } from "./desk.ts";
import { abortedError, aloneUnknownError } from "./errors.ts";
import type { Begun, Participant } from "./participant.ts";
import type { AnyWork, Plan } from "./run.ts";

/** What this path needs of a participant. */
export type Lone = Begun<unknown> & Required<Pick<Begun<unknown>, "commitAlone">>;

/** Runs `plan`, whose one participant can commit alone. */
export async function runAlone(desk: Desk, plan: Plan, work: AnyWork): Promise<unknown> {
  const { id, branches, signal: parent } = plan;
  const [branch] = branches;
  const participant = desk.participants.get(branch?.participant ?? "") as Participant<unknown>;
  const control = linkedController(parent);
  const late = abortedError(id, "its deadline passed");
  const timer = desk.backend.runtime.time.setTimer(plan.deadlineMs, () => control.abort(late));
  const open: { begun?: Begun<unknown>; isOver: boolean } = { isOver: false };
  const facts = { id, participant: branch?.participant ?? "" };
  try {
    const begun = await callParticipant(
      desk,
      { ...facts, doing: "begin" },
      control.signal,
      async (call) => {
        const arrived = (await participant.begin(branch as never, call)) as Lone;
        if (open.isOver) await arrived.release("ended");
        else open.begun = arrived;
        return arrived;
      },
    ).catch((error: unknown) => {
      if (control.signal.aborted) throw control.signal.reason;
      throw abortedError(id, `${facts.participant} did not begin`, error);
    });
    const { signal } = control;
    const working = (async () =>
      work({ [facts.participant]: begun.handle } as never, { id, signal }))();
    const value = await raceAbort(working, signal);
    await commit(desk, { ...facts, doing: "commit" }, begun);
    return value;
  } finally {
    timer.cancel();
    open.isOver = true;
    const how = control.signal.aborted ? "abandoned" : "ended";
    control.abort(late);
    control.detach();
    await open.begun?.release(how);
  }
}

async function commit(
  desk: Desk,
  facts: { readonly id: string; readonly participant: string; readonly doing: "commit" },
  begun: Lone,
): Promise<void> {
  try {
    // Not under the caller's signal: from here on its abort would only make the outcome unknown.
    await callParticipant(desk, facts, undefined, (call) => begun.commitAlone(call));
  } catch (error) {
    const { id, participant } = facts;
    if (effectOf(error) !== "none") throw aloneUnknownError(id, participant, error);
    throw abortedError(id, `${participant} did not commit`, error);
  }
}
