/**
 * Settling: carrying a decision out, at every branch, for as long as it takes.
 *
 * All branches are asked side by side; those that fail are asked again after a pause that doubles,
 * and counted in the record, so that the next worker neither hurries nor forgets. There is no
 * giving
 * up: the decision is made, and a branch that is left behind is money lost. After `stuckAfter`
 * failures somebody is told, once. Only what seems to kill its workers is left alone, and told.
 */
import { isQuorateError, linkedController } from "@quorate/core";

import type { DriveContext, Held } from "../kernel/contract.ts";
import { bounded, called, type Desk, pauseAfter, rest } from "./desk.ts";
import { wordOf } from "./errors.ts";
import { coordinate } from "./machine.ts";
import { ended, isOpen, type TccBranch, type TccRecord, unsettled } from "./record.ts";

/** How one branch answered. */
interface Answered {
  readonly branch: TccBranch;
  /** `undefined`: it is settled. */
  readonly error: { readonly thrown: unknown } | undefined;
}

/** Carries out what is decided. `wake` ends a pause early. Returns when it ended, or must stop. */
export async function settleAll(
  desk: Desk,
  held: Held<TccRecord>,
  context: DriveContext,
  wakes: Map<string, () => void>,
): Promise<void> {
  if (held.record.takeovers > desk.settings.maxTakeovers) return park(desk, held);
  while (isOpen(held.record)) {
    const move = coordinate(held.record.state, "asked");
    if (move === "wait") return;
    const todo = unsettled(held.record);
    const answers = await Promise.all(todo.map((branch) => settleOne(desk, held, branch, context)));
    if (context.signal.aborted) return;
    const failed = answers.filter(({ error }) => error !== undefined);
    if (failed.length === 0) {
      await end(desk, held);
      return;
    }
    await desk.station.apply(held, (record) => withAnswers(desk, record, answers));
    tellStuck(desk, held, failed);
    const left = unsettled(held.record);
    if (left.length === 0) continue; // Somebody settled the rest by hand.
    if (context.closing.aborted || !context.isHeld()) return;
    const failures = Math.min(...left.map((one) => one.failures));
    await pause(desk, held.id, pauseAfter(desk, failures), context, wakes);
    if (context.closing.aborted || context.signal.aborted) return;
  }
}

/** Who drove it before did not live to say how a branch answered, again and again. */
async function park(desk: Desk, held: Held<TccRecord>): Promise<void> {
  const { name, takeovers: failures } = held.record;
  await desk.station.apply(held, (record) => ({ ...record, isStuck: true, owner: "" }));
  const { stuck } = desk.events;
  if (stuck.hasSubscribers) {
    stuck.publish({ id: held.id, name, branch: "", failures, error: "TAKEOVERS" });
  }
}

async function pause(
  desk: Desk,
  id: string,
  ms: number,
  context: DriveContext,
  wakes: Map<string, () => void>,
): Promise<void> {
  const linked = linkedController(context.signal, context.closing);
  wakes.set(id, () => linked.abort(undefined));
  await rest(desk, ms, linked.signal);
  wakes.delete(id);
  linked.detach();
}

async function settleOne(
  desk: Desk,
  held: Held<TccRecord>,
  branch: TccBranch,
  context: DriveContext,
): Promise<Answered> {
  const { record, id } = held;
  const operation = record.state === "confirming" ? "confirm" : "cancel";
  const participant = desk.served.get(record.name)?.get(branch.participant);
  const barrier = `${id}/${branch.name}`;
  const key = `${barrier}/${operation}`;
  const attempt = branch.failures + 1;
  const subject = { id, name: record.name, branch: branch.name, participant: branch.participant };
  const { callTimeoutMs: timeoutMs } = desk.settings;
  try {
    if (participant === undefined) throw new Error(`${branch.participant} is not served here`);
    await bounded(desk, { key, timeoutMs, signal: context.signal }, (signal) =>
      called(desk.events, { ...subject, doing: operation, attempt }, () =>
        participant[operation]({
          ...{ id, branch: barrier, key, attempt, signal },
          input: branch.input,
          fencingToken: record.fence,
        }),
      ),
    );
    return { branch, error: undefined };
  } catch (thrown) {
    return { branch, error: { thrown } };
  }
}

/** The record with what the branches answered. */
function withAnswers(desk: Desk, record: TccRecord, answers: readonly Answered[]): TccRecord {
  const byName = new Map(answers.map((one) => [one.branch.name, one]));
  const branches = record.branches.map((branch): TccBranch => {
    const answer = byName.get(branch.name);
    if (answer === undefined || branch.status === "settled") return branch;
    if (answer.error === undefined) return { ...branch, status: "settled" };
    const failures = failuresAfter(desk, branch, answer.error.thrown);
    return { ...branch, failures, error: wordOf(answer.error.thrown) };
  });
  const isStuck = branches.some(
    ({ status, failures }) => status !== "settled" && failures >= desk.settings.stuckAfter,
  );
  return { ...record, branches, isStuck, takeovers: 0 };
}

/** A barrier that says "conflict" does not come round by being asked again: tell at once. */
function failuresAfter({ settings }: Desk, { failures }: TccBranch, error: unknown): number {
  const isConflict = isQuorateError(error, "BARRIER_REFUSED") && !error.retryable;
  return isConflict ? Math.max(failures + 1, settings.stuckAfter) : failures + 1;
}

function tellStuck(desk: Desk, { id, record }: Held<TccRecord>, failed: readonly Answered[]): void {
  const { stuck } = desk.events;
  if (!stuck.hasSubscribers) return;
  const { stuckAfter } = desk.settings;
  for (const { branch: before } of failed) {
    const branch = record.branches.find(({ name }) => name === before.name);
    if (branch === undefined || before.failures >= stuckAfter || branch.failures < stuckAfter) {
      continue;
    }
    const { failures, error } = branch;
    stuck.publish({ id, name: record.name, branch: branch.name, failures, error });
  }
}

async function end(desk: Desk, held: Held<TccRecord>): Promise<void> {
  const { retentionMs } = desk.settings;
  await desk.station.apply(held, (record) => ended(allSettled(record)), { retentionMs });
  const { ended: channel } = desk.events;
  const { name, state } = held.record;
  if (channel.hasSubscribers) channel.publish({ id: held.id, name, state });
}

function allSettled(record: TccRecord): TccRecord {
  const branches = record.branches.map((one) => ({ ...one, status: "settled" as const }));
  return { ...record, branches };
}
