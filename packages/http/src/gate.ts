/**
 * The gate: what every adapter asks before it lets a handler run.
 *
 * An adapter says what the request is; the gate says what to do with it: let it pass, send this
 * answer, or run the handler and report how it ended. Everything in between (key, scope,
 * fingerprint, the store, waiting for a first request that is still under way) happens here, once
 * for all frameworks.
 *
 * A request of another method costs one look into a set, and no promise.
 */
import { type LinkedController, linkedController } from "@quorate/core";
import type { Begun, Execution } from "@quorate/idempotency";
import type { Answer } from "./answer.ts";
import {
  cannotCompare,
  failureOf,
  inFlight,
  judge,
  storeDown,
  unkeptProblem,
  type Verdict,
} from "./decide.ts";
import { liveDeadline } from "./deadline/context.ts";
import { expiredAnswer } from "./deadline/door.ts";
import { pathOf } from "./doors/door.ts";
import { DEFAULT_ERROR_BASE } from "./error-problem.ts";
import { lookupKey, type RequestBody, requestFingerprint } from "./identity.ts";
import { type CheckedOptions, checkOptions, type HttpIdempotencyOptions } from "./options.ts";
import { type Problem, problemAnswer } from "./problems.ts";
import { HttpRun, replayOf } from "./run.ts";
import { decodeAnswer } from "./stored-answer.ts";

/** A request, as far as every framework has it. */
export interface GateRequest<R> {
  /** The framework's own request, for the options that are asked about it. */
  readonly request: R;
  readonly method: string;
  /** Path with query, as the client sent it. */
  readonly target: string;
  readonly contentType: string | null | undefined;
  /** The header that carries the key: its value, or that of each line. */
  readonly header: string | readonly string[] | null | undefined;
  /** Asked only where there is a key and no `fingerprint` option. */
  body(): RequestBody | Promise<RequestBody>;
  /** The client has left: nobody waits for a first request any more. */
  readonly gone?: AbortSignal | undefined;
}

/** What to do with a request. */
export type Admission =
  /** Run the handler; no key protects it. `warn`: it should, but the store is down. */
  | { readonly kind: "pass"; readonly warn: boolean }
  /** Send this, run nothing. */
  | { readonly kind: "answer"; readonly answer: Answer }
  /** Run the handler, then end the run. */
  | { readonly kind: "run"; readonly run: HttpRun };

const PASS: Admission = { kind: "pass", warn: false };

/** The options of one mounting, and the way in. */
export class Gate<R> {
  readonly options: CheckedOptions<R>;

  constructor(options: HttpIdempotencyOptions<R>, extra: readonly string[] = []) {
    this.options = checkOptions(options, extra);
  }

  /** Whether requests of this method are looked at at all. */
  guards(method: string): boolean {
    return this.options.methods.has(method);
  }

  /**
   * Claims the request's key, or finds its answer. Rejects with what `scope`, `route` or
   * `fingerprint` throw, and with INVALID_ARGUMENT where they return what cannot be used.
   */
  async admit(asked: GateRequest<R>): Promise<Admission> {
    const { required, strict } = this.options;
    const verdict = judge({
      header: asked.header,
      strict,
      required: () => (typeof required === "function" ? required(asked.request) : required),
    });
    if (verdict.kind === "pass") return PASS;
    if (verdict.kind === "problem") return this.#problem(verdict.problem);
    return this.#claim(asked, verdict);
  }

  async #claim(asked: GateRequest<R>, { key }: Verdict & { kind: "claim" }): Promise<Admission> {
    const { request, method, target, contentType } = asked;
    const { scope, route, fingerprint } = this.options;
    const path = route === undefined ? pathOf(target) : route(request);
    const name = lookupKey({ scope: await scope(request), method, route: path, key });
    const body: RequestBody =
      fingerprint === undefined
        ? await asked.body()
        : { kind: "chosen", value: await fingerprint(request) };
    if (body.kind === "too-large" || body.kind === "unread")
      return this.#problem(cannotCompare(body));
    const facts = requestFingerprint({ method, target, contentType, body });
    try {
      return await this.#admission(await this.#begin(name, facts, asked), key, asked);
    } catch (error) {
      // Nobody is there to read it; but a client that left is no error of the service.
      if (asked.gone?.aborted === true) return this.#problem(inFlight());
      const failure = failureOf(error, this.options.mismatchStatus);
      if (failure === undefined) throw error;
      const open = failure.kind === "store-down" && this.options.failOpen;
      return open ? { kind: "pass", warn: true } : this.#problem(failure.problem);
    }
  }

  async #begin(
    key: string,
    fingerprint: object,
    { gone, request }: GateRequest<R>,
  ): Promise<Begun> {
    const { idempotency, terms } = this.options;
    // Nobody waits for an answer longer than it is waited for.
    const waitMs = Math.min(this.options.waitMs, liveDeadline(request)?.remainingMs ?? Infinity);
    const concurrent = waitMs > 0 ? "wait" : "reject";
    // Linked for the wait alone: once the handler runs, it runs to its end without its client.
    const leaving: LinkedController = linkedController(gone);
    const { signal } = leaving;
    try {
      return await idempotency.begin(key, { fingerprint, concurrent, waitMs, signal, ...terms });
    } finally {
      leaving.detach();
    }
  }

  async #admission(
    begun: Begun,
    clientKey: string,
    { request }: GateRequest<R>,
  ): Promise<Admission> {
    if (begun.kind === "claimed") return this.#run(begun.execution, clientKey, request);
    const stored = begun.kind === "replay" ? decodeAnswer(begun.value) : undefined;
    if (stored?.kind === "answer") return { kind: "answer", answer: replayOf(stored.answer) };
    return this.#problem(stored === undefined ? storeDown() : unkeptProblem(stored.status));
  }

  async #run(execution: Execution, clientKey: string, request: R): Promise<Admission> {
    const deadline = liveDeadline(request);
    const expired =
      deadline?.isExpired === true ? expiredAnswer(deadline, DEFAULT_ERROR_BASE) : undefined;
    if (expired === undefined) {
      // Its answer is kept: the client may leave, and come back for it.
      deadline?.outliveClient();
      return { kind: "run", run: new HttpRun(execution, clientKey, this.options) };
    }
    // This run did nothing. Of one before it, the next must still be told.
    await (execution.takeover ? execution.release() : execution.discard());
    return { kind: "answer", answer: expired };
  }

  #problem(problem: Problem): Admission {
    return { kind: "answer", answer: problemAnswer(problem, this.options.problemBase) };
  }
}
