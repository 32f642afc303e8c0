/**
 * Reception: what arrives for a server is read, judged, admitted, run and answered.
 *
 * The bus hands over one message at a time and waits for what its handler returns; so this
 * returns at once, and what runs is bounded by admission, not by the bus.
 *
 * Nothing that arrives can throw here: what cannot be read is answered where somebody waits for
 * an answer, dropped where nobody does, and counted either way.
 */
import { effectOf, isQuorateError, type Message, type Ms, QuorateError } from "@quorate/core";
import { type Runtime, workBegins } from "@quorate/core";
import type { Admission, Policy } from "@quorate/resilience";
import { encodeAnswer, type WireAnswer, type WireFailure } from "../wire/answer.ts";
import { decodeCancel } from "../wire/cancel.ts";
import { readRequest, type WireRequest } from "../wire/request.ts";
import { readFields } from "../wire/text.ts";
import { failure, failureOf } from "../wire/to-failure.ts";
import type { Clients, ClientLife } from "./clients.ts";
import type { ServerCounts } from "./counts.ts";
import type { DroppedReason, ServerChannels } from "./events.ts";
import type { Handled, Hooks } from "./hooks.ts";
import { Incoming } from "./incoming.ts";
import { runUnary } from "./run-call.ts";
import { mismatch, toldOf } from "./told.ts";

/** What a reception is made of. */
export interface ReceptionParts {
  readonly service: string;
  readonly instance: string;
  readonly runtime: Runtime;
  readonly gate: Admission;
  readonly handled: ReadonlyMap<string, Handled>;
  readonly clients: Clients;
  readonly hooks: Hooks;
  readonly counts: ServerCounts;
  readonly channels: ServerChannels;
}

/** A method with its way past admission. */
interface Served extends Handled {
  readonly gate: Policy;
}

/** Most bytes of a message that are looked at. */
const MAX_MESSAGE_BYTES = 1_048_576;

type Respond = NonNullable<Message["respond"]>;

/** Takes messages of one server. */
export class Reception {
  readonly #parts: ReceptionParts;
  readonly #served: ReadonlyMap<string, Served>;
  /** Resolved when nothing runs any more. */
  #onIdle: (() => void) | undefined = undefined;
  #running = 0;
  #isClosing = false;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
    const served = [...parts.handled].map(
      ([name, handled]) => [name, { ...handled, gate: parts.gate.method(name) }] as const,
    );
    this.#served = new Map(served);
  }

  /** Calls that run or wait. */
  get running(): number {
    return this.#running;
  }

  /** A message to the service, or to this instance. Never throws. */
  readonly onMessage = (message: Message): void => {
    const fields = readFields(message.data, MAX_MESSAGE_BYTES);
    const { respond } = message;
    if (respond === undefined) return this.#parts.hooks.streams?.onControl(message);
    const request = fields === undefined ? undefined : readRequest(fields);
    if (request === undefined) {
      this.#drop("unreadable", "");
      return this.#send(respond, failed(failure("CONTRACT_MISMATCH", "none", UNREADABLE)));
    }
    this.#onRequest(request, respond);
  };

  /** A cancel to all instances. Never throws. */
  readonly onCancel = (message: Message): void => {
    const cancel = decodeCancel(message.data);
    if (cancel === undefined) return this.#drop("unreadable", "");
    const call = this.#parts.clients.find(cancel.client, cancel.id);
    if (call === undefined) return;
    this.#parts.counts.cancelled += 1;
    call.abort(this.#aborted("the caller cancelled"));
  };

  /** No further calls: they are told to ask another instance. */
  stopIntake(): void {
    this.#isClosing = true;
  }

  /** Resolves when nothing runs or waits any more. */
  async whenIdle(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Ends all that run. */
  abortAll(): void {
    this.#parts.clients.abortWhere(() => true, this.#aborted("the server closes"));
  }

  #onRequest(request: WireRequest, respond: Respond): void {
    const { clients, hooks, runtime } = this.#parts;
    const nowMs = runtime.time.monotonicMs();
    const life = clients.of(request, nowMs);
    const transitMs = life.clock.transitMs(request.sentMs, nowMs, request.era);
    // The first copy is answered; an answer to the second might overtake it.
    if (!life.seen.isNew(request.id)) return this.#drop("duplicate", request.method);
    const served = this.#served.get(request.method);
    const refusal = this.#refusal(request, served, transitMs);
    if (served === undefined || refusal !== undefined) {
      return this.#send(respond, failed(refusal ?? failure("CONTRACT_MISMATCH", "none")));
    }
    const leftMs = request.window === undefined ? request.remainingMs : request.window.leftMs;
    const deadlineMs = nowMs + (leftMs ?? Infinity) - transitMs;
    const call = new Incoming(this.#parts, request, served.method, deadlineMs);
    this.#running += 1;
    this.#announce(call);
    life.running.add(call);
    hooks.orphans?.onRequest(life, request); // It may end the call before it runs.
    if (request.window === undefined) this.#run(call, served, life, respond, nowMs);
    else void this.#runStream(call, served, life, respond, nowMs);
  }

  /** Why a request does not even come to admission. */
  #refusal(
    request: WireRequest,
    served: Served | undefined,
    transitMs: Ms,
  ): WireFailure | undefined {
    if (served === undefined) return failure("CONTRACT_MISMATCH", "none", { word: "method" });
    const wantsStream = request.window !== undefined;
    if (wantsStream !== (served.method.kind === "stream")) {
      return failure("CONTRACT_MISMATCH", "none", { word: "kind" });
    }
    if (this.#isClosing) return failure("OVERLOADED", "none", { word: "closing" });
    if (request.remainingMs > transitMs) return undefined;
    this.#drop("expired", request.method);
    return failure("TIMEOUT", "none");
  }

  #run(call: Incoming, served: Served, life: ClientLife, respond: Respond, nowMs: Ms): void {
    const { keyed } = this.#parts.hooks;
    const { deadlineMs, priority } = call;
    const done = served.gate.run((live) => runUnary(call, served, keyed, live), {
      deadlineMs,
      priority,
    });
    done.then(
      (output) => {
        this.#end(call, life);
        this.#answerOutput(call, output, respond, nowMs);
      },
      (error: unknown) => {
        this.#end(call, life);
        void this.#answerError(call, error, respond, nowMs);
      },
    );
  }

  /** A stream has a bound of its own: it holds no place of admission for as long as it lasts. */
  async #runStream(
    call: Incoming,
    served: Served,
    life: ClientLife,
    respond: Respond,
    nowMs: Ms,
  ): Promise<void> {
    const { streams } = this.#parts.hooks;
    try {
      const refusal = streams?.refusal();
      if (refusal !== undefined) return this.#send(respond, refusal);
      const parsed = await served.method.input(call.request.input);
      if (!parsed.ok) throw mismatch(call, "input", parsed.issues);
      call.check();
      const items = call.within(() => served.handler(parsed.value, call));
      const told = await streams?.run(call, items, (answer) => this.#send(respond, answer));
      if (told === undefined) this.#parts.counts.served += 1;
      else this.#parts.counts.failed += 1;
      this.#tell(call, told?.code ?? "ok", told?.effect ?? "applied", nowMs);
    } catch (error) {
      await this.#answerError(call, error, respond, nowMs);
    } finally {
      this.#end(call, life);
    }
  }

  #end(call: Incoming, life: ClientLife): void {
    call.end();
    life.running.remove(call);
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  #answerOutput(call: Incoming, output: unknown, respond: Respond, nowMs: Ms): void {
    let bytes: Uint8Array;
    try {
      bytes = encodeAnswer({ kind: "output", output });
    } catch {
      const told = failure("CONTRACT_MISMATCH", "applied", { word: "output" });
      return this.#answerFailure(call, told, respond, nowMs);
    }
    this.#parts.counts.served += 1;
    this.#tell(call, "ok", "applied", nowMs);
    this.#sendBytes(respond, bytes);
  }

  async #answerError(call: Incoming, error: unknown, respond: Respond, nowMs: Ms): Promise<void> {
    const told = toldOf(error) ?? this.#timeoutOf(error) ?? (await failureOf(error, call.spec));
    if (told.code === "REMOTE_FAILED" && told.data === undefined) {
      const { channels, instance, service } = this.#parts;
      const { method } = call;
      if (channels.failed.hasSubscribers) {
        channels.failed.publish({ service, method, instance, error });
      }
    }
    this.#answerFailure(call, told, respond, nowMs);
  }

  /** Admission's own: the deadline passed while it ran, or before it began. */
  #timeoutOf(error: unknown): WireFailure | undefined {
    if (!isQuorateError(error)) return undefined;
    if (isQuorateError(error, "TIMEOUT") && error.details.operation === "call") {
      return failure("TIMEOUT", effectOf(error) ?? "unknown");
    }
    return isQuorateError(error, "ABORTED") ? failure("ABORTED", error.effect) : undefined;
  }

  #answerFailure(call: Incoming, told: WireFailure, respond: Respond, nowMs: Ms): void {
    this.#parts.counts.failed += 1;
    this.#tell(call, told.code, told.effect, nowMs);
    this.#send(respond, failed(told, call.triesLeft));
  }

  #send(respond: Respond, answer: WireAnswer): void {
    this.#sendBytes(respond, encodeAnswer(answer));
  }

  #sendBytes(respond: Respond, bytes: Uint8Array): void {
    respond(bytes).catch((error: unknown) => {
      if (!isQuorateError(error, "TOO_LARGE")) return void (this.#parts.counts.unanswered += 1);
      const { limit, size } = error.details;
      const told = failure("TOO_LARGE", "applied", { numbers: [size, limit] });
      respond(encodeAnswer(failed(told))).catch(() => (this.#parts.counts.unanswered += 1));
    });
  }

  #drop(reason: DroppedReason, method: string): void {
    const { channels, counts, instance, service } = this.#parts;
    counts[reason] += 1;
    if (!channels.dropped.hasSubscribers) return;
    channels.dropped.publish({ service, instance, reason, method });
  }

  #announce(call: Incoming): void {
    const { channels, instance, service } = this.#parts;
    if (!channels.serving.hasSubscribers) return;
    const { client, id, method, trace } = call;
    call.around = workBegins(channels.serving, { service, method, instance, client, id }, trace);
  }

  #tell(call: Incoming, outcome: string, effect: WireFailure["effect"], nowMs: Ms): void {
    const { channels, instance, runtime, service } = this.#parts;
    if (!channels.served.hasSubscribers) return;
    const { client, id, method } = call;
    const tookMs = runtime.time.monotonicMs() - nowMs;
    channels.served.publish({ service, method, instance, client, id, outcome, effect, tookMs });
  }

  #aborted(why: string): QuorateError<"ABORTED"> {
    const details = { operation: `rpc ${this.#parts.service}` };
    const message = `${why}; what the handler did until now stands`;
    return new QuorateError("ABORTED", message, { effect: "unknown", details });
  }
}

const UNREADABLE = { word: "request" } as const;

function failed(told: WireFailure, triesLeft?: number): WireAnswer {
  return { kind: "failed", failure: told, triesLeft };
}
