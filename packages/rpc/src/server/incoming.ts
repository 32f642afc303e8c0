/**
 * One call at its server, from its request to its answer: what its handler holds, and what others
 * end it by.
 *
 * Its signal is made when it is first read: an `AbortController` costs more than all the rest.
 */
import {
  type Around,
  type FencingToken,
  invalidArgument,
  type Ms,
  onAbort,
  QuorateError,
  refuse,
  type Runtime,
} from "@quorate/core";
import type { Json } from "@quorate/core";
import type { Call } from "@quorate/resilience";
import type { Method } from "../contract.ts";
import type { CallFacts } from "../served-call.ts";
import type { TraceContext } from "../trace.ts";
import { Tries } from "../tries.ts";
import type { WireRequest } from "../wire/request.ts";
import type { RunningCall } from "./clients.ts";
import type { KeyedRun } from "./keyed-run.ts";

/** Why a call was ended early; a reason may be `undefined`, so it is boxed. */
interface Ending {
  readonly reason: unknown;
}

/** A call that has arrived. */
export class Incoming implements CallFacts, RunningCall {
  readonly service: string;
  readonly request: WireRequest;
  readonly spec: Method;
  readonly deadlineMs: Ms;
  readonly #runtime: Runtime;
  /** Of admission: knows the deadline. */
  #live: Call | undefined = undefined;
  #run: KeyedRun | undefined = undefined;
  place: number = -1;
  #ending: Ending | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #off: (() => void)[] | undefined = undefined;
  /** What a tracer wraps around its handler. */
  around: Around | undefined = undefined;
  #tries: Tries | undefined = undefined;

  constructor(
    parts: { readonly service: string; readonly runtime: Runtime },
    request: WireRequest,
    spec: Method,
    deadlineMs: Ms,
  ) {
    this.service = parts.service;
    this.#runtime = parts.runtime;
    this.request = request;
    this.spec = spec;
    this.deadlineMs = deadlineMs;
  }

  get method(): string {
    return this.spec.name;
  }

  get id(): number {
    return this.request.id;
  }

  get client(): string {
    return this.request.client;
  }

  get key(): string | undefined {
    return this.request.key;
  }

  get priority(): number {
    return this.request.priority;
  }

  get trace(): TraceContext | undefined {
    return this.request.trace;
  }

  get tries(): Tries {
    return (this.#tries ??= new Tries(this.request.triesLeft));
  }

  get triesLeft(): number | undefined {
    return this.tries.left;
  }

  get remainingMs(): Ms {
    return Math.max(0, this.deadlineMs - this.#runtime.time.monotonicMs());
  }

  get isCancelled(): boolean {
    return this.#ending !== undefined || this.remainingMs === 0;
  }

  /** 0 where the method is not keyed: its types do not have it. */
  get fencingToken(): FencingToken {
    return this.#run?.fencingToken ?? 0;
  }

  get takeover(): boolean {
    return this.#run?.takeover ?? false;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ending !== undefined) this.#controller.abort(this.#ending.reason);
      this.#follow(this.#live?.signal);
      this.#follow(this.#run?.signal);
    }
    return this.#controller.signal;
  }

  check(): void {
    if (this.#ending !== undefined) throw this.#ending.reason;
    this.#live?.check();
  }

  abort(reason: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = { reason };
    this.#controller?.abort(reason);
  }

  /** Runs its handler within what a tracer wraps around it. */
  within<T>(work: () => T): T {
    return this.around === undefined ? work() : this.around(work);
  }

  /** It was admitted, and begins. */
  begin(live: Call): void {
    this.#live = live;
    if (this.#ending !== undefined) throw this.#ending.reason;
  }

  /** It runs under its key. */
  beginKeyed(run: KeyedRun): void {
    this.#run = run;
    if (this.#controller !== undefined) this.#follow(run.signal);
  }

  /** It has ended: nothing is listened to any more. */
  end(): void {
    if (this.#off === undefined) return;
    for (const off of this.#off) off();
    this.#off = undefined;
  }

  fail(name: string, data: unknown): QuorateError {
    const error = this.spec.errors.get(name);
    if (error === undefined) {
      const known = [...this.spec.errors.keys()].join(", ");
      throw invalidArgument("name", name, `an error of ${this.method}: ${known || "it has none"}`);
    }
    const parsed = error.data(data);
    if (parsed instanceof Promise) {
      throw invalidArgument("data", "a promise", "checked at once: the schema of an error is");
    }
    if (!parsed.ok) throw invalidArgument("data", data, `what ${name} tells: ${parsed.issues}`);
    const told = parsed.value as Json;
    if (error.effect === "none") return refuse(name, told);
    const details = { service: this.service, method: this.method, error: name, data: told };
    const { effect } = error;
    return new QuorateError("REMOTE_FAILED", `${this.method}: ${name}`, { effect, details });
  }

  #follow(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    (this.#off ??= []).push(onAbort(signal, () => this.abort(signal.reason)));
  }
}
