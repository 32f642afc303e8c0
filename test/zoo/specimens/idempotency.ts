/**
 * Who may answer for a key, and to whom.
 */
import type { Specimen } from "../specimen.ts";

const ASK = "packages/idempotency/src/ask.ts";
const CALL = "packages/idempotency/src/call.ts";
const CLAIMS = "packages/idempotency/src/claims.ts";
const END_RUN = "packages/idempotency/src/end-run.ts";
const MACHINE = "packages/idempotency/src/machine.ts";
const joined = "2026-11-21";

/** Bugs of idempotent calls. */
export const IDEMPOTENCY: readonly Specimen[] = [
  {
    name: "unfenced-completion",
    story:
      "A run stores its answer whatever is there by now: one that was paused beyond its lease " +
      "overwrites its successor's answer, and a replay says something else than before.",
    edits: [
      {
        file: END_RUN,
        find: "text, { expect: revision, ttlMs, operationId, timeoutMs });",
        replace: "text, { ttlMs, operationId, timeoutMs });",
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "sluggish", seeds: 60 },
    joined,
  },
  {
    name: "unconditional-release-on-error",
    story: "A run that fails late removes its successor's record, and the work runs a third time.",
    edits: [
      {
        file: END_RUN,
        find: `    text === undefined
      ? await desk.kv.delete(call.storeKey, { expect: revision, operationId, timeoutMs })`,
        replace: `    ending.question === "let-go"
      ? await desk.kv.delete(call.storeKey, { operationId, timeoutMs })`,
      },
      {
        file: END_RUN,
        find: `  { text, ttlMs }: Ending,
  operationId: string,
): Promise<{`,
        replace: `  ending: Ending,
  operationId: string,
): Promise<{`,
      },
      {
        file: END_RUN,
        find: "  const timeoutMs = lease.tryTimeoutMs;",
        replace: `  const { ttlMs } = ending;
  const text = ending.text ?? "";
  const timeoutMs = lease.tryTimeoutMs;`,
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "get-then-set-claim",
    story:
      "A look, and then a write that asks nothing: two duplicates both find the key free, and " +
      "both run.",
    edits: [
      {
        file: CLAIMS,
        find: "      const put = await desk.kv.put(call.storeKey, text, options);",
        replace: `      const there = await desk.kv.get(call.storeKey);
      const asIs = expect === "absent" ? there === undefined : there?.revision === expect;
      const put = asIs
        ? await desk.kv.put(call.storeKey, text, { ...options, expect: undefined as never })
        : ({ ok: false, current: there } as const);`,
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "harsh", seeds: 30 },
    joined,
  },
  {
    name: "replay-across-scopes",
    story: "The record lies under the key alone: one user is given what was made for another.",
    edits: [
      {
        file: CALL,
        find: "  const text = scope === undefined ?",
        replace: '  const text = scope !== "" ?',
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "no-mismatch-in-flight",
    story:
      "The request is compared with an answer's only: another request that comes while the first " +
      "runs waits for it, and is given an answer to a question that it did not ask.",
    edits: [
      {
        file: ASK,
        find: "    if (flight.fingerprint !== call.fingerprint) throw this.#mismatch(call);",
        replace: "",
      },
      {
        file: MACHINE,
        find: '  if (seen.fingerprint !== asker.fingerprint) return "other-request";',
        replace:
          '  if (seen.hasAnswer && seen.fingerprint !== asker.fingerprint) return "other-request";',
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "lease-by-wall-clock",
    story:
      "The record says by the owner's wall clock when its lease ends, and whoever looks compares " +
      "that with his own: where his is ahead, a run that renews in time is taken over.",
    edits: [
      {
        file: "packages/idempotency/src/held-claim.ts",
        find: "this.fencingToken, call.ttlMs);",
        replace: "this.fencingToken, this.#desk.runtime.time.wallMs() + call.leaseMs);",
      },
      {
        file: CLAIMS,
        find: "encodeInFlight(head, undefined, call.ttlMs);",
        replace: "encodeInFlight(head, undefined, runtime.time.wallMs() + call.leaseMs);",
      },
      {
        file: CLAIMS,
        find: "readFound(put.current, key);",
        replace: "byWall(readFound(put.current, key), runtime.time.wallMs());",
      },
      {
        file: CLAIMS,
        find: "interface Grant {",
        replace: `function byWall(found: Found, nowMs: number): Found {
  const { record } = found;
  if (record.state !== "in-flight") return found;
  return { ...found, leaseLeftMs: record.graceMs - nowMs };
}

interface Grant {`,
      },
      {
        file: ASK,
        find: 'if (decision !== "wait") return',
        replace: "if (isAnswer(news.found.record)) return",
      },
    ],
    foundBy: { scenario: "undisturbed", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "request-read-after-the-work",
    story:
      "The answer is stored under a fingerprint that is made when the work has ended, and has " +
      "changed its argument: an honest repeat is told that it is another request.",
    edits: [
      {
        file: CALL,
        find: 'fingerprint: request === undefined ? "" : fingerprint(request, NAMED),',
        replace: `get fingerprint() {
      return request === undefined ? "" : fingerprint(request, NAMED);
    },`,
      },
      {
        file: CLAIMS,
        find: "const head: RunHead = { key, scope, fingerprint, owner, attempt };",
        replace: `void fingerprint;
  const head: RunHead = {
    key,
    scope,
    get fingerprint() {
      return call.fingerprint;
    },
    owner,
    attempt,
  };`,
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "announced-before-stored",
    story:
      "The answer is returned, and whether the store has taken it is not looked at: a run that " +
      "was taken over announces its own.",
    edits: [
      {
        file: "packages/idempotency/src/claimed-run.ts",
        find: "      if (!counted.isMine) return valueOf(this.#read(counted));",
        replace: "",
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "sluggish", seeds: 60 },
    joined,
  },
  {
    name: "forgets-who-ran-before",
    story:
      "A run that failed lets the key go without a trace: the next one is not told that there " +
      "was one before it, and does again what may have been done.",
    edits: [
      {
        file: "packages/idempotency/src/claimed-run.ts",
        find: 'const text = how === "released" ?',
        replace: 'const text = how === ("held" as never) ?',
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "calm", seeds: 5 },
    joined,
  },
  {
    name: "renewed-under-a-stranger",
    story:
      "A renewal asks nothing: one that comes late turns its successor's record, answer and all, " +
      "into a run of its own.",
    edits: [
      {
        file: "packages/idempotency/src/held-claim.ts",
        find: "      expect: this.revision,\n",
        replace: "",
      },
    ],
    foundBy: { scenario: "idempotency", engine: "memory", profile: "sluggish", seeds: 60 },
    joined,
  },
];
