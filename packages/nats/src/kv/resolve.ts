/**
 * Settles a write whose outcome is unknown, so that it cannot land later.
 *
 * The key still says what the write was to replace: then the same is written once more, under the
 * very message id of the lost write. If the server takes it, the straggler is fenced twice, by the
 * sequence that has moved and by its id, which the server now knows. If the server calls it a
 * duplicate, the lost write had happened. That conclusion can be drawn once: after that the id is
 * spent, as it may be our own question that the server remembers. So a fence carries the id of
 * the write that it keeps out, and is recognised by it.
 */
import type { Resolution, Resolve } from "@quorate/core";
import { Budget } from "../budget.ts";
import { TOMBSTONE_GRACE_MS } from "../messages.ts";
import { endsAtMs, type StoredRecord } from "../record.ts";
import { type KvContext, look, serverNow } from "./context.ts";
import type { Sent } from "./sent.ts";

/** The `resolve` of an error about `sent`. */
export function resolver(context: KvContext, sent: Sent): Resolve {
  return (options) => settle(context, sent, options?.signal);
}

async function settle(
  context: KvContext,
  sent: Sent,
  signal: AbortSignal | undefined,
): Promise<Resolution> {
  const timeoutMs = context.bounds().requestTimeoutMs;
  const budget = new Budget(context.runtime, { timeoutMs, signal });
  const call = { ...sent, budget, operation: `${sent.operation} (resolve)` };
  signal?.throwIfAborted();
  await context.stream.ensure(budget, call.operation);
  const { record } = await look(context, call);
  const found = judgeRecord(record, sent);
  if (found !== undefined) return found;
  // Others have written since. Ours cannot land any more; whether it was among them, only the
  // server's memory of its id can tell.
  if ((record?.seq ?? 0) !== sent.expectSeq) return remembered(context, sent, budget);

  const fence = await fenceFor(context, record, { sent, budget });
  const published = await context.messages.publish({ ...call, ...fence });
  context.heads.note(sent.subject, { kind: "unknown" });
  if (published.kind === "stored" && !published.duplicate) {
    if (fence.record.deleted) {
      context.sweeper.plan(published.seq, TOMBSTONE_GRACE_MS, () => {});
    }
    return "none";
  }
  if (published.kind === "none" || published.kind === "unknown") return "unknown";
  const isFirst = published.kind === "stored" && !published.doubt && fence.idIsFresh;
  if (isFirst) return "applied"; // The id was known, and only the lost write can have brought it.
  const after = await look(context, call);
  return judgeRecord(after.record, sent) ?? remembered(context, sent, budget);
}

/** What the key's last write says by itself. */
function judgeRecord(record: StoredRecord | undefined, sent: Sent): Resolution | undefined {
  if (record === undefined) return undefined;
  if (record.fence === sent.messageId) return "none";
  return isTheirs(record, sent) ? "applied" : undefined;
}

async function remembered(context: KvContext, sent: Sent, budget: Budget): Promise<Resolution> {
  const seq = await findStored(context, sent, budget);
  return seq === undefined ? "unknown" : "applied";
}

/** Sequence under which `sent` was stored, if the server still knows and the id is unspent. */
export async function findStored(
  context: KvContext,
  sent: Sent,
  budget: Budget,
): Promise<number | undefined> {
  if (sent.trace.idIsSpent) return undefined;
  sent.trace.idIsSpent = true;
  return context.messages.findStored(sent.messageId, budget);
}

function isTheirs(record: StoredRecord | undefined, sent: Sent): boolean {
  return record?.operationId === sent.operationId && record.deleted === sent.record.deleted;
}

/** What is there, again; or a tombstone where nothing living is. Spends the id. */
async function fenceFor(
  context: KvContext,
  record: StoredRecord | undefined,
  call: { readonly sent: Sent; readonly budget: Budget },
): Promise<Pick<Sent, "record" | "value"> & { readonly idIsFresh: boolean }> {
  const { budget, sent } = call;
  const idIsFresh = !sent.trace.idIsSpent;
  sent.trace.idIsSpent = true;
  const fence = sent.messageId;
  const serverMs = record === undefined ? 0 : await serverNow(context, record, budget);
  const leftMs = record === undefined ? 0 : endsAtMs(record) - serverMs;
  if (record === undefined || leftMs <= 0) {
    const operationId = context.runtime.ids.operation();
    const facts = { operationId, createdRevision: undefined, ttlMs: undefined, deleted: true };
    return { record: { ...facts, fence }, value: new Uint8Array(0), idIsFresh };
  }
  const createdRevision = record.createdRevision ?? context.stream.positions.revisionOf(record.seq);
  const { operationId, value } = record;
  const ttlMs = leftMs === Infinity ? undefined : Math.max(1, Math.ceil(leftMs));
  const facts = { operationId, createdRevision, ttlMs, deleted: false };
  return { record: { ...facts, fence }, value, idIsFresh };
}
