/**
 * The write that ends a run: its answer, or its letting go.
 *
 * It holds only against the revision that the run wrote last. An answer is written again under the
 * same operation id while the lease lasts, so that one whose reply was lost is recognised and a
 * straggler changes nothing; letting go is tried once, since the lease ends by itself.
 */
import { type Entry, isQuorateError, type Ms, sleep } from "@quorate/core";
import { type Desk, isAnswer, judge, readFound } from "./desk.ts";
import { GONE, type HeldClaim, TAKEN } from "./held-claim.ts";
import { decide, type Question } from "./machine.ts";
import type { StoredAnswer } from "./record.ts";

/** What is written at the end; no text: the record is removed. */
export interface Ending {
  readonly question: Extract<Question, "answer" | "let-go">;
  readonly text: string | undefined;
  readonly ttlMs: Ms;
}

/** How it ended. */
export type Ended =
  /** As it was written. */
  | { readonly kind: "done" }
  /** Another run's answer is there. */
  | { readonly kind: "winner"; readonly answer: StoredAnswer }
  /** The run is not the key's any more, and there is no answer. */
  | { readonly kind: "superseded"; readonly why: string };

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
const DONE: Ended = { kind: "done" };
const WRITTEN = { ok: true, current: undefined };

/**
 * Writes `ending`.
 *
 * @throws the store's error: at once for letting go and where another try is no use, else when the
 *   lease is over.
 */
export async function endRun(desk: Desk, claim: HeldClaim, ending: Ending): Promise<Ended> {
  const { runtime } = desk;
  const operationId = runtime.ids.operation();
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      const ended = await once(desk, claim, ending, operationId);
      if (ended !== undefined) return ended;
    } catch (error) {
      if (ending.question === "let-go" || !isWorthAnother(error)) throw error;
      if (claim.lease.leftMs(runtime.time) <= pauseMs) throw error;
      await sleep(runtime, pauseMs * (0.5 + runtime.random.next() / 2));
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}

/** One try; `undefined`: again at once, against the revision that was found. */
async function once(
  desk: Desk,
  claim: HeldClaim,
  ending: Ending,
  operationId: string,
): Promise<Ended | undefined> {
  const result = await write(desk, claim, ending, operationId);
  if (result.ok) return DONE;
  const { current } = result;
  const found = current === undefined ? undefined : readFound(current, claim.call.key);
  const decision = decide(ending.question, judge(found, claim.head));
  if (decision === "again") {
    // A renewal that was not answered had landed.
    claim.revision = found?.entry.revision ?? claim.revision;
    return undefined;
  }
  if (decision === "superseded") {
    return { kind: "superseded", why: found === undefined ? GONE : TAKEN };
  }
  const isWon = decision === "replay" && found !== undefined && isAnswer(found.record);
  return isWon ? { kind: "winner", answer: found.record } : DONE;
}

async function write(
  desk: Desk,
  { call, lease, revision }: HeldClaim,
  { text, ttlMs }: Ending,
  operationId: string,
): Promise<{ readonly ok: boolean; readonly current: Entry | undefined }> {
  const timeoutMs = lease.tryTimeoutMs;
  const result =
    text === undefined
      ? await desk.kv.delete(call.storeKey, { expect: revision, operationId, timeoutMs })
      : await desk.kv.put(call.storeKey, text, { expect: revision, ttlMs, operationId, timeoutMs });
  return result.ok ? WRITTEN : result;
}

/** A mistake, or the end of the backend, does not go away by trying again. */
function isWorthAnother(error: unknown): boolean {
  if (!isQuorateError(error)) return false;
  const { code } = error;
  return (
    code !== "CLOSED" &&
    code !== "TOO_LARGE" &&
    code !== "INVALID_ARGUMENT" &&
    code !== "RECORD_INVALID"
  );
}
