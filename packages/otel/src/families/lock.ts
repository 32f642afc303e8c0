/**
 * Locks: how long one waits, how long one holds, and what was lost.
 *
 * A hold is a span from its grant to its end, linked to the wait before it. Both stand in whatever
 * span was active when the lock was asked for.
 */
import type { Attributes, Span } from "@opentelemetry/api";

import type { LockHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import { Pending } from "../pending.ts";
import { fail, type Telemetry } from "../telemetry.ts";

/** Hears `lock.*`. `nowMs` is a monotonic clock. */
export function lockFamily(telemetry: Telemetry, nowMs: () => number): Family {
  const holds = new Holds(telemetry, nowMs);

  function granted(event: LockHeard["granted"]): void {
    const { fencingToken, waitedMs } = event;
    const token = { "quorate.fencing_token": fencingToken };
    const acquire = waited(telemetry, event, "granted", token);
    acquire.end();
    telemetry.time("lockAcquire", waitedMs, { ...kindOf(event), "quorate.outcome": "granted" });
    holds.begin(event, acquire);
  }

  function refused(event: LockHeard["refused"]): void {
    const { waitedMs, why } = event;
    const isAnswer = why === "held" || why === "behind" || why === "aborted";
    const outcome = isAnswer ? why : "error";
    const span = waited(telemetry, event, outcome);
    if (!isAnswer) fail(span, why);
    span.end();
    const error = isAnswer ? {} : { "error.type": why };
    const attributes = { ...kindOf(event), "quorate.outcome": outcome, ...error };
    telemetry.time("lockAcquire", waitedMs, attributes);
  }

  function lost(event: LockHeard["lost"]): void {
    const { reason } = event;
    telemetry.record("lockLost", 1, { ...kindOf(event), "quorate.reason": reason });
    holds.end(event, "lost", reason);
  }

  function renewalFailed({ code, leftMs }: LockHeard["renewalFailed"]): void {
    telemetry.record("renewalFailed", 1, { "error.type": code });
    telemetry.time("leaseLeft", leftMs, { "error.type": code });
  }

  return {
    channels: {
      "lock.granted": granted,
      "lock.refused": refused,
      "lock.lost": lost,
      "lock.released": (event: LockHeard["released"]) => holds.end(event, event.answer),
      "lock.renewal-failed": renewalFailed,
    },
    close: () => holds.close(),
  };
}

type Subject = Pick<LockHeard["granted"], "kind" | "key">;
type Token = Omit<LockHeard["granted"], "waitedMs">;

const kindOf = ({ kind }: { readonly kind: string }) => ({ "quorate.lock.kind": kind });

/** The span of a wait that is over. */
function waited(
  telemetry: Telemetry,
  event: Subject & { readonly waitedMs: number },
  outcome: string,
  more: Attributes = {},
): Span {
  const key = telemetry.key("quorate.lock.key", event.key);
  return telemetry.begin("lock acquire", {
    agoMs: event.waitedMs,
    attributes: { ...kindOf(event), ...key, ...more, "quorate.outcome": outcome },
  });
}

interface Hold {
  readonly span: Span;
  readonly kind: string;
  readonly sinceMs: number;
}

/** Locks that are held now. */
class Holds {
  readonly #telemetry: Telemetry;
  readonly #nowMs: () => number;
  readonly #pending = new Pending<Hold>();

  constructor(telemetry: Telemetry, nowMs: () => number) {
    this.#telemetry = telemetry;
    this.#nowMs = nowMs;
  }

  begin(event: Token, acquire: Span): void {
    const { fencingToken, key, kind } = event;
    const span = this.#telemetry.begin("lock hold", {
      attributes: {
        ...kindOf(event),
        ...this.#telemetry.key("quorate.lock.key", key),
        "quorate.fencing_token": fencingToken,
      },
      links: [{ context: acquire.spanContext() }],
    });
    this.#telemetry.record("lockHeld", 1, kindOf(event));
    this.#pending.begin(nameOf(event), { span, kind, sinceMs: this.#nowMs() });
  }

  /** A lost lock may be given back later: its hold has ended by then. */
  end(event: Token, outcome: string, reason?: string): void {
    const hold = this.#pending.end(nameOf(event));
    if (hold === undefined) return;
    const { sinceMs, span } = hold;
    span.setAttribute("quorate.outcome", outcome);
    if (reason !== undefined) {
      span.setAttribute("quorate.reason", reason);
      fail(span, "LOCK_LOST");
    }
    span.end();
    this.#telemetry.record("lockHeld", -1, kindOf(hold));
    const attributes = { ...kindOf(hold), "quorate.outcome": outcome };
    this.#telemetry.time("lockHold", this.#nowMs() - sinceMs, attributes);
  }

  close(): void {
    for (const hold of this.#pending.drain()) {
      hold.span.end();
      this.#telemetry.record("lockHeld", -1, kindOf(hold));
    }
  }
}

function nameOf({ fencingToken, key, kind }: Token): string {
  return `${kind} ${fencingToken} ${key}`;
}
