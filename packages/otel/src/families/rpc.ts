/**
 * Calls between services: a client's span, whose context the call carries, and the server's span
 * as its child, in which the handler runs.
 *
 * What was not announced (a call that began before this listened) has its metric and no span.
 */
import {
  type Attributes,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { Ms } from "@quorate/core";

import type { RpcHeard } from "../events.ts";
import type { Family } from "../listeners.ts";
import { Pending } from "../pending.ts";
import { fail, type Telemetry } from "../telemetry.ts";
import { carriedOf, hasSpan, spanContextOf, under } from "../trace-context.ts";

interface Ended {
  readonly service: string;
  readonly method: string;
  readonly outcome: string;
  readonly effect: string | undefined;
  readonly tookMs: Ms;
}

/** Hears `rpc.*`. */
export function rpcFamily(telemetry: Telemetry): Family {
  const calls = new Pending<Span>();
  const serves = new Pending<Span>();
  const methodOf = ({ method, service }: Pick<Ended, "method" | "service">) => ({
    "rpc.system.name": "quorate",
    "rpc.method": telemetry.name("rpc.method", `${service}/${method}`),
  });

  function calling(event: RpcHeard["calling"]): void {
    const attributes = methodOf(event);
    const active = context.active();
    const within = hasSpan(active) ? active : under(active, spanContextOf(event.trace));
    const span = telemetry.begin(attributes["rpc.method"], {
      attributes,
      kind: SpanKind.CLIENT,
      within,
    });
    calls.begin(`${event.call} ${event.client}`, span);
    const carried = carriedOf(span);
    if (carried !== undefined) event.carry(carried);
  }

  function serving(event: RpcHeard["serving"]): void {
    const attributes = methodOf(event);
    // Of the caller, not of whatever was active where the service was begun.
    const within = under(ROOT_CONTEXT, spanContextOf(event.trace));
    const kind = SpanKind.SERVER;
    const span = telemetry.begin(attributes["rpc.method"], { attributes, kind, within });
    serves.begin(servedName(event), span);
    event.around((work) => context.with(trace.setSpan(within, span), work));
  }

  function ended(id: "rpcClient" | "rpcServer", event: Ended, span: Span | undefined): void {
    const { effect, outcome, tookMs } = event;
    const isOk = outcome === "ok";
    const told: Attributes = {
      "rpc.status_code": outcome,
      ...(effect !== undefined && { "quorate.effect": effect }),
    };
    const error = isOk ? {} : { "error.type": outcome };
    telemetry.time(id, tookMs, { ...methodOf(event), ...told, ...error });
    if (span === undefined) return;
    span.setAttributes(told);
    // By the conventions: a server's span fails by the server's fault, not by an answer that is no.
    if (!isOk && (id === "rpcClient" || !ANSWERS.has(outcome))) fail(span, outcome);
    span.end();
  }

  return {
    channels: {
      "rpc.calling": calling,
      "rpc.called": (event: RpcHeard["called"]) => {
        const span = calls.end(`${event.call} ${event.client}`);
        span?.setAttribute("quorate.rpc.attempts", event.attempts);
        ended("rpcClient", event, span);
      },
      "rpc.serving": serving,
      "rpc.served": (event: RpcHeard["served"]) =>
        ended("rpcServer", event, serves.end(servedName(event))),
      "rpc.dropped": ({ reason, service }: RpcHeard["dropped"]) =>
        telemetry.record("rpcDropped", 1, {
          "quorate.rpc.service": telemetry.name("quorate.rpc.service", service),
          "quorate.reason": reason,
        }),
    },
    close: () => [...calls.drain(), ...serves.drain()].forEach((span) => span.end()),
  };
}

/** What a server may answer in good health. */
const ANSWERS: ReadonlySet<string> = new Set([
  "REFUSED",
  "INVALID_ARGUMENT",
  "CONTRACT_MISMATCH",
  "IDEMPOTENCY_MISMATCH",
  "IDEMPOTENCY_IN_FLIGHT",
  "ABORTED",
]);

function servedName({ client, id, instance }: RpcHeard["served" | "serving"]): string {
  return `${id} ${client} ${instance}`;
}
