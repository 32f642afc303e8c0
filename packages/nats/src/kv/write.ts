/**
 * One write, from the first look to a yes, a no, or an honest "unknown".
 *
 *     plan -> (read) -> publish against a sequence -> stored | conflict | nothing heard
 *
 * A yes is a yes. A no counts only where every attempt was answered: a conflict after silence may
 * be our own earlier attempt, overwritten since. Whoever reads its own operation id in the key's
 * last write knows that it happened, whatever the server said (2.11.8 still reports conflicts that
 * were none, nats-server#7281).
 */
import { isQuorateError } from "@quorate/core";
import type { Ms } from "@quorate/core";
import { aborted, outcomeUnknown, revisionReset, unavailable, unreachable } from "../failures.ts";
import type { Published } from "../messages.ts";
import type { StoredRecord } from "../record.ts";
import { type KvContext, look, type Look } from "./context.ts";
import type { Plan } from "./plan.ts";
import { findStored, resolver } from "./resolve.ts";
import type { Sent, Write } from "./sent.ts";

/** How a write ended, where it is known. */
export type Written =
  | { readonly kind: "stored"; readonly seq: number; readonly sentMs: Ms; readonly plan: Against }
  /** The last message is this very operation's. */
  | { readonly kind: "replayed"; readonly look: Look; readonly record: StoredRecord }
  | { readonly kind: "conflict"; readonly look: Look };

/** The plan that it was written by. */
type Against = Extract<Plan, { kind: "write" }>;

/** Conflicts that are met at once; from then on rivals get in each other's way, so it waits. */
const PROMPT_CONFLICTS = 2;
const CONFLICT_PAUSE_MS = 15;

/** Writes, or says why not. */
export async function write(context: KvContext, call: Write): Promise<Written> {
  const { budget } = call;
  const { messages, runtime, stream } = context;
  await stream.ensure(budget, call.operation);
  let head = context.heads.at(call.subject, runtime.time.monotonicMs());
  let seen: Look | undefined;
  const nonce = runtime.ids.operation();
  for (let attempt = 0; ; attempt++) {
    const plan = call.plan(head, seen !== undefined);
    if (plan.kind === "read") {
      seen = await lookBeforeWrite(context, call);
      ({ head } = seen);
      // An entry of this operation that has expired since is not there: asked anew, it is new.
      const there = call.record.deleted || seen.entry !== undefined;
      if (there && isOwn(seen.record, call)) return replayed(seen, seen.record);
      continue;
    }
    if (plan.kind === "conflict") {
      return { kind: "conflict", look: seen ?? (await lookBeforeWrite(context, call)) };
    }
    const sentMs = runtime.time.monotonicMs();
    // A fresh id for each sequence: servers keep the id of a refused message in mind as well.
    const messageId = `${nonce}.${attempt}`;
    const sent: Sent = {
      ...call,
      messageId,
      expectSeq: plan.expectSeq,
      trace: { idIsSpent: false },
    };
    const record = { ...call.record, createdRevision: plan.createdRevision };
    const published = await messages.publish({ ...sent, record });
    // A duplicate is an earlier attempt of this loop: a yes too, even if written over since.
    if (published.kind === "stored") {
      if (!published.duplicate) await checkOrder(context, call, published);
      context.sweeper.forget(plan.expectSeq);
      return { kind: "stored", seq: published.seq, sentMs, plan };
    }
    if (published.kind === "none") throw notSent(context, call, published.why);
    if (published.kind === "unknown") throw unknown(context, sent, published.why);
    seen = await lookAfterConflict(context, sent, published.doubt);
    ({ head } = seen);
    if (isOwn(seen.record, call)) return replayed(seen, seen.record);
    if (published.doubt) {
      // Newer servers compare before they look for duplicates: so ask about the id alone.
      const seq = await findStored(context, sent, budget);
      if (seq === undefined) throw unknown(context, sent, "others wrote meanwhile");
      return { kind: "stored", seq, sentMs, plan };
    }
    if (attempt >= PROMPT_CONFLICTS) {
      await budget.pause(CONFLICT_PAUSE_MS * (1 + runtime.random.next()));
    }
  }
}

function replayed(seen: Look, record: StoredRecord): Written {
  return { kind: "replayed", look: seen, record };
}

function isOwn(record: StoredRecord | undefined, call: Write): record is StoredRecord {
  return record?.operationId === call.operationId && record.deleted === call.record.deleted;
}

/** Nothing was written yet: whatever goes wrong here, the write did not happen. */
async function lookBeforeWrite(context: KvContext, call: Write): Promise<Look> {
  try {
    return await look(context, call);
  } catch (error) {
    if (call.budget.signal?.aborted === true && !isQuorateError(error)) {
      throw aborted(call.operation, "none", { cause: error });
    }
    if (isQuorateError(error, "TIMEOUT")) {
      throw unavailable(call.operation, "the key could not be read first");
    }
    throw error;
  }
}

/** The look after a no. */
async function lookAfterConflict(context: KvContext, sent: Sent, doubt: boolean): Promise<Look> {
  if (!doubt) return lookBeforeWrite(context, sent);
  try {
    return await look(context, sent);
  } catch {
    throw unknown(context, sent, "an earlier attempt may have been taken, and the look failed");
  }
}

/** A sequence that was given before: another stream, or one that went back in time. */
async function checkOrder(
  context: KvContext,
  call: Write,
  published: Extract<Published, { kind: "stored" }>,
): Promise<void> {
  const { positions } = context.stream;
  if (!positions.isBehind(published.seq, published.mark)) return;
  const seen = positions.revisionOf(published.mark.highestSeq);
  await context.stream.look(call.budget, call.operation);
  if (!positions.isBehind(published.seq, published.mark)) return;
  positions.rewind(published.seq);
  throw revisionReset(call.key, seen, positions.revisionOf(published.seq));
}

function notSent(context: KvContext, call: Write, why: string): Error {
  const { signal } = call.budget;
  if (signal?.aborted === true) return aborted(call.operation, "none", { cause: signal.reason });
  return unreachable(call.operation, context.link, why);
}

function unknown(context: KvContext, sent: Sent, why: string): Error {
  const { budget, key, operation } = sent;
  const resolve = resolver(context, sent);
  if (budget.signal?.aborted === true) {
    return aborted(operation, "unknown", { cause: budget.signal.reason, resolve });
  }
  return outcomeUnknown(operation, { key, afterMs: budget.spentMs, why }, resolve);
}
