/**
 * Renews many grants: at most so many names at a time, each name's grants in one write.
 */
import { isQuorateError, QuorateError } from "../errors/quorate-error.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Grant, Renewal } from "../waist/leases.ts";
import type { CheckedCall } from "../waist/requests.ts";
import { withDeadline } from "../deadline.ts";
import type { Desks } from "./desks.ts";

const AT_ONCE = 64;

/** The answers in the order of `grants`; throws if any of them is not known. */
export async function renewAll(
  desks: Desks,
  runtime: Runtime,
  grants: readonly Grant[],
  call: CheckedCall,
): Promise<readonly Renewal[]> {
  const { signal, timeoutMs } = call;
  const endsMs = runtime.time.monotonicMs() + timeoutMs;
  const answers: (Renewal | undefined)[] = grants.map(() => undefined);
  const failures: unknown[] = [];
  const names = [...indexesByName(grants).values()];
  const renewNames = async (): Promise<void> => {
    for (let indexes = names.pop(); indexes !== undefined; indexes = names.pop()) {
      const leftMs = endsMs - runtime.time.monotonicMs();
      if (leftMs <= 0 || signal?.aborted === true) return;
      await Promise.all(indexes.map((index) => renewOne(index, leftMs)));
    }
  };
  const renewOne = async (index: number, leftMs: Ms): Promise<void> => {
    const { name, owner, fencingToken: token, ttlMs } = grants[index] as Grant;
    try {
      const reply = await desks.of(name).ask({ kind: "renew", owner, token, ttlMs }, leftMs);
      answers[index] = reply.verdict === "held" ? "renewed" : "lost";
    } catch (error) {
      failures.push(error);
    }
  };
  const all = Promise.all(Array.from({ length: Math.min(AT_ONCE, names.length) }, renewNames));
  await withDeadline(runtime, all, {
    timeoutMs,
    signal,
    onTimeout: () => unknownRenewal(answers, failures[0]),
    onAborted: () => abortedRenewal(answers),
  });
  if (answers.every((answer) => answer !== undefined)) return answers;
  throw failureOf(answers, failures);
}

function indexesByName(grants: readonly Grant[]): Map<string, number[]> {
  const indexes = new Map<string, number[]>();
  for (const [index, { name }] of grants.entries()) {
    const same = indexes.get(name);
    if (same === undefined) indexes.set(name, [index]);
    else same.push(index);
  }
  return indexes;
}

/** Where nothing at all was written, the failure itself says so best. */
function failureOf(answers: readonly (Renewal | undefined)[], failures: unknown[]): unknown {
  const none = failures.every((error) => isQuorateError(error) && error.effect === "none");
  const untouched = answers.every((answer) => answer === undefined);
  if (none && untouched && failures.length > 0) return failures[0];
  return unknownRenewal(answers, failures[0]);
}

function unknownRenewal(answers: readonly (Renewal | undefined)[], cause: unknown): QuorateError {
  const open = answers.filter((answer) => answer === undefined).length;
  const cure = "renew again before they end, or count them as lost";
  const message = `${open} of ${answers.length} leases may or may not have been renewed: ${cure}`;
  const details = { operation: "lease renew" };
  return new QuorateError("OUTCOME_UNKNOWN", message, { effect: "unknown", details, cause });
}

function abortedRenewal(answers: readonly (Renewal | undefined)[]): QuorateError {
  const message = `renewal of ${answers.length} leases was aborted; some may have been renewed`;
  const details = { operation: "lease renew" };
  return new QuorateError("ABORTED", message, { effect: "unknown", details });
}
