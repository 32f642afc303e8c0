/**
 * Calls of unary methods: input checked, policy asked, attempts made, answers judged.
 *
 * What can be done in the caller's turn is done there: a call that needs no wait before it is sent
 * has left when its promise is returned.
 */
import {
  callLeaves,
  effectOf,
  type ErrorCode,
  isQuorateError,
  type Ms,
  onAbort,
  type Parsed,
  QuorateError,
  withDeadline,
} from "@quorate/core";
import { invalidArgument, linkedController } from "@quorate/core";
import type { PickOutcome } from "@quorate/discovery";
import type { Call, Policy } from "@quorate/resilience";
import type { Method } from "../contract.ts";
import type { Hop } from "../served-call.ts";
import type { TraceContext } from "../trace.ts";
import { Tries } from "../tries.ts";
import type { WireAnswer } from "../wire/answer.ts";
import { type CallFacts, errorOf } from "../wire/from-failure.ts";
import type { StreamWindow } from "../wire/window.ts";
import { type CallOptions, checkCallOptions, type KeyedCallOptions } from "./call-options.ts";
import type { Connection, Flight, Outgoing } from "./connection.ts";
import type { CallSubject, ClientChannels } from "./events.ts";
import type { Route, Routes } from "./routes.ts";

/** What a caller is made of. */
export interface CallerParts {
  readonly connection: Connection;
  readonly routes: Routes;
  readonly policy: Policy;
  /** The policy may end an attempt early: a deadline of its own, a hedge. */
  readonly mayEndAttempts: boolean;
  readonly timeoutMs: Ms;
  /** Tries after the first; `undefined`: not counted. */
  readonly tries: number | undefined;
  readonly trace: (() => TraceContext | undefined) | undefined;
  readonly channels: ClientChannels;
}

/** One attempt to have a stream begun. */
export interface StreamAttempt {
  readonly window: StreamWindow;
  /** The request has left under this number. */
  sent(id: number): void;
  /** This instance has accepted. What it returns is what the call comes to. */
  accepted(instance: string): unknown;
}

/** One call, with all its attempts. */
export interface Outbound {
  readonly method: Method;
  readonly input: unknown;
  readonly key: string | undefined;
  readonly route: string | undefined;
  readonly priority: number;
  trace: TraceContext | undefined;
  readonly tries: Tries;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: Ms;
  readonly deadlineMs: Ms;
  /** Makes an attempt, where a stream is asked for. */
  readonly begin: (() => StreamAttempt) | undefined;
  /** The client's count of it. */
  number: number;
  /** Instances that were tried. */
  avoid: Set<string> | undefined;
  attempts: number;
  /** Whether any attempt has left. */
  isSent: boolean;
  /** Whether any attempt may have happened, by how it ended. */
  mayHaveRun: boolean;
}

/** Makes calls. */
export class Caller {
  readonly #parts: CallerParts;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Calls a unary method; with `begin`, asks for a stream. */
  call(
    method: Method,
    input: unknown,
    options?: CallOptions,
    begin?: () => StreamAttempt,
  ): Promise<unknown> {
    const { connection } = this.#parts;
    try {
      connection.lifecycle.assertOpen();
      checkCallOptions(method, options);
      const parsed = method.input(input);
      if (parsed instanceof Promise) {
        return parsed.then((later) =>
          this.#run(this.#outbound(method, later, options, begin), options),
        );
      }
      return this.#run(this.#outbound(method, parsed, options, begin), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #outbound(
    method: Method,
    parsed: Parsed,
    options: KeyedCallOptions | CallOptions = {},
    begin?: () => StreamAttempt,
  ): Outbound {
    if (!parsed.ok) throw invalidArgument("input", "another value", parsed.issues);
    const { connection, tries } = this.#parts;
    const { time } = connection.backend.runtime;
    const { call: hop, signal } = options;
    const key = (options as KeyedCallOptions).key;
    const nowMs = time.monotonicMs();
    const ownMs = options.timeoutMs ?? method.timeoutMs ?? this.#parts.timeoutMs;
    const deadlineMs = Math.min(nowMs + ownMs, hop?.deadlineMs ?? Infinity);
    return {
      method,
      input: parsed.value,
      key,
      route: options.route ?? key,
      priority: options.priority ?? hop?.priority ?? 0,
      trace: options.trace ?? this.#parts.trace?.() ?? hop?.trace,
      tries: hop?.tries ?? new Tries(tries),
      signal,
      timeoutMs: Math.min(ownMs, deadlineMs - nowMs),
      deadlineMs,
      begin,
      number: 0,
      avoid: undefined,
      attempts: 0,
      isSent: false,
      mayHaveRun: false,
    };
  }

  #run(call: Outbound, options: CallOptions | undefined): Promise<unknown> {
    const { connection, policy } = this.#parts;
    const { counts, lifecycle } = connection;
    counts.calls += 1;
    const startedMs = call.deadlineMs - call.timeoutMs;
    if (call.timeoutMs <= 0) return Promise.reject(this.#timeout(call, "none"));
    call.number = counts.calls;
    if (this.#parts.channels.calling.hasSubscribers) {
      call.trace = callLeaves(this.#parts.channels.calling, this.#subject(call), call.trace);
    }
    const { signal, release } = signalOf(options?.call, call.signal);
    const made = policy.run((live) => this.#attempt(call, live, signal), {
      repeat: call.method.repeat,
      key: call.key,
      priority: call.priority,
      deadlineMs: call.deadlineMs,
      signal,
      // The bus ends each request by then.
      keepsDeadline: true,
    });
    lifecycle.enter();
    return made.then(
      (value) => {
        lifecycle.leave();
        release?.();
        counts.answered += 1;
        this.#tell(call, startedMs, undefined, true);
        return value;
      },
      (error: unknown) => {
        lifecycle.leave();
        release?.();
        counts.failed += 1;
        const final = inTruth(call, this.#ofPolicy(call, error));
        this.#tell(call, startedMs, final, false);
        throw final;
      },
    );
  }

  /** One attempt; the first may have to wait until the instances are known. */
  #attempt(call: Outbound, live: Call, signal: AbortSignal | undefined): Promise<unknown> {
    const { connection, mayEndAttempts, routes } = this.#parts;
    const ending = mayEndAttempts ? live.signal : signal;
    if (routes.known === undefined) return this.#send(call, live, ending);
    return withDeadline(connection.backend.runtime, routes.known, {
      timeoutMs: live.remainingMs,
      signal: ending,
      onTimeout: () => this.#timeout(call, "none"),
    }).then(() => this.#send(call, live, ending));
  }

  /** Sent now; settled by an answer, by the bus, or by an early end. */
  #send(call: Outbound, live: Call, ending: AbortSignal | undefined): Promise<unknown> {
    const { connection, routes } = this.#parts;
    const { method } = call;
    connection.lifecycle.signal.throwIfAborted();
    ending?.throwIfAborted();
    call.attempts += 1;
    connection.counts.attempts += 1;
    if (live.attempt > 1) call.tries.take();
    const route = routes.pick(call.route, call.avoid);
    let flight: Flight;
    try {
      const timeoutMs = Math.min(live.remainingMs, this.#attemptMs(method));
      if (timeoutMs <= 0) throw this.#timeout(call, "none");
      const stream = call.begin?.();
      const sent: Outgoing = {
        subject: route.subject,
        instance: route.instance,
        method: method.name,
        timeoutMs,
        key: call.key,
        triesLeft: call.tries.left,
        priority: call.priority,
        trace: call.trace,
        window: stream?.window,
        input: call.input,
      };
      flight = connection.send(
        sent,
        (answer) => this.#judge(call, answer, stream),
        (error) => this.#ofBus(call, error),
      );
      call.isSent = true;
      stream?.sent(flight.id);
    } catch (error) {
      route.end?.("ignore");
      throw error;
    }
    if (route.end === undefined && ending === undefined) return flight.promise;
    const off = onAbort(ending, () => flight.end(ending?.reason));
    return this.#settled(flight.promise, call, route, off);
  }

  async #settled(
    promise: Promise<unknown>,
    call: Outbound,
    route: Route,
    off: () => void,
  ): Promise<unknown> {
    try {
      const value = await promise;
      route.end?.("ok");
      return value;
    } catch (error) {
      route.end?.(outcomeOf(error));
      if (effectOf(error) !== "none") call.mayHaveRun = true;
      if (route.instance !== undefined) (call.avoid ??= new Set()).add(route.instance);
      throw error;
    } finally {
      off();
    }
  }

  #attemptMs(method: Method): Ms {
    return method.repeat === "unsafe" ? Infinity : (method.attemptTimeoutMs ?? Infinity);
  }

  /** The output as its schema makes it; throws or rejects where the server failed. */
  #judge(call: Outbound, answer: WireAnswer, stream: StreamAttempt | undefined): unknown {
    if (answer.kind === "output") {
      if (stream !== undefined) throw this.#mismatch(call, "applied", "no stream was begun");
      const parsed = call.method.output(answer.output);
      if (parsed instanceof Promise) return parsed.then((later) => this.#output(call, later));
      return this.#output(call, parsed);
    }
    if (answer.kind === "accepted") {
      if (stream !== undefined) return stream.accepted(answer.instance);
      throw this.#mismatch(call, "unknown", "a stream was begun");
    }
    call.tries.limit(answer.triesLeft);
    const { code, effect } = answer.failure;
    if (effect !== "none") call.mayHaveRun = true;
    // Told in time that it was too late: that server takes our clock for another's.
    if (code === "TIMEOUT" && effect === "none") this.#parts.connection.distrustClock();
    return errorOf(answer.failure, this.#facts(call)).then((error) => {
      throw error;
    });
  }

  #output(call: Outbound, parsed: Parsed): unknown {
    if (parsed.ok) return parsed.value;
    throw this.#mismatch(call, "applied", `output: ${parsed.issues}`);
  }

  #facts({ key, method, timeoutMs, tries }: Outbound): CallFacts {
    const { contract } = this.#parts.connection;
    return { service: contract.name, method, key, timeoutMs, mayRepeat: tries.any };
  }

  #mismatch(call: Outbound, effect: "unknown" | "applied", reason: string): QuorateError {
    const service = this.#parts.connection.contract.name;
    const method = call.method.name;
    const message = `${service}.${method}: ${reason}`;
    const details = { service, method, reason };
    return new QuorateError("CONTRACT_MISMATCH", message, { effect, details });
  }

  /** What the bus threw, in the words of the call, and not to be repeated where no try is left. */
  #ofBus(call: Outbound, error: unknown): unknown {
    if (effectOf(error) !== "none") call.mayHaveRun = true;
    if (!isQuorateError(error)) return error;
    if (isQuorateError(error, "TIMEOUT") && error.details.operation === "bus.request") {
      return this.#timeout(call, error.effect);
    }
    if (call.tries.any || !error.retryable) return error;
    const { cause, code, details, effect } = error;
    const text = error.message.slice(code.length + 2);
    return new QuorateError(code, text, { cause, details, effect, retryable: false });
  }

  /** The policy's own deadline says nothing of which call it was. */
  #ofPolicy(call: Outbound, error: unknown): unknown {
    if (!isQuorateError(error, "TIMEOUT") || error.details.operation !== "call") return error;
    return this.#timeout(call, call.isSent ? error.effect : "none");
  }

  #timeout(call: Outbound, effect: "none" | "unknown" | "applied"): QuorateError<"TIMEOUT"> {
    const { method, timeoutMs, tries } = call;
    const operation = `${this.#parts.connection.contract.name}.${method.name}`;
    const outcome = effect === "none" ? "it was not sent" : "whether it ran is unknown";
    const message = `${operation}: no answer in ${Math.round(timeoutMs)} ms; ${outcome}`;
    const details = { operation, timeoutMs };
    const options = { effect, details };
    return new QuorateError(
      "TIMEOUT",
      message,
      tries.any ? options : { ...options, retryable: false },
    );
  }

  #tell(call: Outbound, startedMs: Ms, error: unknown, isOk: boolean): void {
    const { channels, connection } = this.#parts;
    if (!channels.called.hasSubscribers) return;
    channels.called.publish({
      ...this.#subject(call),
      outcome: isOk ? "ok" : isQuorateError(error) ? error.code : "error",
      effect: isOk ? "applied" : effectOf(error),
      tookMs: connection.backend.runtime.time.monotonicMs() - startedMs,
      attempts: call.attempts,
    });
  }

  #subject({ method, number }: Outbound): CallSubject {
    const { contract, id } = this.#parts.connection;
    return { service: contract.name, method: method.name, client: id, call: number };
  }
}

/** Answers to a key itself, whichever attempt was told them. */
const OF_THE_KEY: ReadonlySet<string> = new Set(["REFUSED", "IDEMPOTENCY_MISMATCH"]);

/** That the last attempt did not happen says nothing of those before it. */
function inTruth({ key, mayHaveRun }: Outbound, error: unknown): unknown {
  if (!mayHaveRun || !isQuorateError(error) || error.effect !== "none") return error;
  const { cause, code, details, retryable } = error;
  if (key !== undefined && OF_THE_KEY.has(code)) return error;
  const text = `${error.message.slice(code.length + 2)}; an attempt before it may have happened`;
  return new QuorateError(code, text, { cause, details, effect: "unknown", retryable });
}

/** The caller's signal and that of the call it is made for, as one. */
function signalOf(
  hop: Hop | undefined,
  own: AbortSignal | undefined,
): { readonly signal: AbortSignal | undefined; readonly release?: () => void } {
  if (hop === undefined) return { signal: own };
  if (own === undefined) return { signal: hop.signal };
  const linked = linkedController(own, hop.signal);
  return { signal: linked.signal, release: () => linked.detach() };
}

/** What an instance is held to account for: not a caller's cancel, nor what was not sent. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "TIMEOUT",
  "NO_RESPONDERS",
  "OUTCOME_UNKNOWN",
  "OVERLOADED",
]);
const IGNORED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVALID_ARGUMENT",
  "TOO_LARGE",
  "CLOSED",
  "ABORTED",
]);

function outcomeOf(error: unknown): PickOutcome {
  if (!isQuorateError(error) || IGNORED.has(error.code)) return "ignore";
  if (FAULTS.has(error.code)) return "fault";
  // Any other answer is one; an error that nobody declared is the instance's.
  return error.code === "REMOTE_FAILED" && error.effect !== "none" ? "fault" : "ok";
}
