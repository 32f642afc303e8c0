/**
 * Elections: who leads, and for how long. A term is a trace of its own: it belongs to no request.
 */
import { ROOT_CONTEXT, type Span } from "@opentelemetry/api";

import type { ElectionHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import { Pending } from "../pending.ts";
import type { Telemetry } from "../telemetry.ts";

interface Term {
  readonly span: Span;
  readonly name: string;
  readonly sinceMs: number;
  reason: string;
}

/** Hears `election.*`. `nowMs` is a monotonic clock. */
export function electionFamily(telemetry: Telemetry, nowMs: () => number): Family {
  const terms = new Pending<Term>(1_000);

  function elected(event: ElectionHeard["elected"]): void {
    const name = telemetry.name("quorate.election.name", event.election);
    const named = { "quorate.election.name": name };
    const span = telemetry.begin(`election ${name}`, {
      attributes: { ...named, "quorate.election.term": event.term },
      within: ROOT_CONTEXT,
    });
    telemetry.record("leader", 1, named);
    terms.begin(nameOf(event), { span, name, sinceMs: nowMs(), reason: "ended" });
  }

  function steppingDown(event: ElectionHeard["steppingDown"]): void {
    const term = terms.peek(nameOf(event));
    if (term !== undefined) term.reason = event.reason;
    term?.span.addEvent("election.stepping-down", { "quorate.reason": event.reason });
  }

  function over({ name, reason, sinceMs, span }: Term): void {
    const named = { "quorate.election.name": name };
    span.setAttribute("quorate.reason", reason);
    span.end();
    telemetry.record("leader", -1, named);
    telemetry.time("term", nowMs() - sinceMs, { ...named, "quorate.reason": reason });
  }

  return {
    channels: {
      "election.elected": elected,
      "election.stepping-down": steppingDown,
      "election.ended": (event: ElectionHeard["ended"]) => {
        const term = terms.end(nameOf(event));
        if (term !== undefined) over(term);
      },
    },
    close: () => terms.drain().forEach(over),
  };
}

function nameOf({ candidate, election, term }: ElectionHeard["elected"]): string {
  return `${term} ${candidate} ${election}`;
}
