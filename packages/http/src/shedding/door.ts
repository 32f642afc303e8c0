/**
 * The door that refuses what the server cannot do in time.
 *
 * A request takes a place of the server's admission and keeps it until its handler has ended, also
 * where its client has left: work for nobody uses the CPU all the same, and a server that does not
 * count it takes on more and more of it.
 *
 * Guarantees: what is refused ran nothing, and is told so (503 with `Retry-After`, 504 where its
 * deadline passed in the line; effect `none`); exempt requests are neither refused nor counted.
 * Does not guarantee that an admitted request ends in time: see `admission`.
 */
import { deferred, isQuorateError, QuorateError } from "@quorate/core";
import type { Policy } from "@quorate/resilience";
import { liveDeadline } from "../deadline/context.ts";
import type { HeaderValue } from "../deadline/read-budget.ts";
import { type Door, ENTER, type Entry, pathOf, type Visit, type VisitEnd } from "../doors/door.ts";
import { errorAnswer } from "../error-problem.ts";
import {
  type CheckedSheddingOptions,
  checkSheddingOptions,
  type HttpSheddingOptions,
} from "./options.ts";

/** Kinds of work that have a median of their own; names may come from what clients write. */
const MAX_ROUTES = 1_000;
/** What a header may say: stepping back. */
const LOWEST_PRIORITY = -10;
const WHOLE = /^(?:0|-[0-9]{1,6})$/;

/** Asks the admission. */
export class SheddingDoor<R> implements Door<R> {
  readonly #options: CheckedSheddingOptions<R>;
  readonly #routes = new Map<string, Policy>();

  constructor(options: HttpSheddingOptions<R>) {
    this.#options = checkSheddingOptions(options);
  }

  enter(visit: Visit<R>): Entry | Promise<Entry> {
    return this.#isExempt(visit) ? ENTER : this.#queue(visit);
  }

  #queue(visit: Visit<R>): Promise<Entry> {
    const entered = deferred<Entry>();
    const work = deferred<void>();
    const leaving = new AbortController();
    visit.onLeave(() => leaving.abort(clientLeft()));
    const run = (): Promise<void> => {
      this.#watch(visit, work);
      entered.resolve(ENTER);
      return work.promise;
    };
    const bounds = {
      priority: this.#priority(visit),
      deadlineMs: liveDeadline(visit.request)?.deadlineMs,
      signal: leaving.signal,
    };
    // Once the handler runs, what the policy says is for its figures alone.
    this.#policy(visit.request)
      .run(run, bounds)
      .catch((error: unknown) => this.#refusal(error))
      .then((entry) => entered.resolve(entry ?? ENTER), entered.reject);
    return entered.promise;
  }

  /** Ends the work when the handler has, or a while after its client has left. */
  #watch(visit: Visit<R>, work: { resolve(value: void): void; reject(reason: unknown): void }) {
    const { lingerMs, runtime } = this.#options;
    let ended = false;
    visit.onEnd((end) => {
      ended = true;
      const failure = failureOf(end);
      if (failure === undefined) work.resolve();
      else work.reject(failure);
    });
    visit.onLeave(() => {
      if (ended) return;
      runtime.time.setTimer(lingerMs, () => work.resolve(), { keepAlive: false });
    });
  }

  /** Rethrows what is no refusal: a defect must not look like one, nor let the handler run. */
  #refusal(error: unknown): Entry {
    const { problemBase } = this.#options;
    const answer = isQuorateError(error) ? errorAnswer(error, problemBase) : undefined;
    if (answer === undefined) throw error;
    return { kind: "answer", answer };
  }

  #isExempt({ method, request, target }: Visit<R>): boolean {
    const { exempt } = this.#options;
    if (typeof exempt === "function") return exempt(request);
    return (method === "GET" || method === "HEAD") && exempt.has(pathOf(target));
  }

  #priority(visit: Visit<R>): number {
    const { priority } = this.#options;
    if (priority.kind === "header") return readPriority(visit.header(priority.name));
    const found = priority.of(visit.request);
    return Number.isFinite(found) ? found : 0;
  }

  #policy(request: R): Policy {
    const { admission, route } = this.#options;
    if (route === undefined) return admission;
    const name = route(request);
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    if (this.#routes.size >= MAX_ROUTES) return admission;
    const policy = admission.method(name);
    this.#routes.set(name, policy);
    return policy;
  }
}

/** What a header says, at most 0; what is no whole number says nothing. */
function readPriority(header: HeaderValue): number {
  if (typeof header !== "string" || !WHOLE.test(header)) return 0;
  return Math.max(LOWEST_PRIORITY, Number(header));
}

/** For admission: 429 and 503 are signs of overload behind us; other failures tell no duration. */
function failureOf(end: VisitEnd): unknown {
  if (end.kind === "threw") return end.error ?? new Error("the handler threw nothing");
  return end.status >= 500 || end.status === 429 ? { status: end.status } : undefined;
}

function clientLeft(): QuorateError<"ABORTED"> {
  return new QuorateError("ABORTED", "the client left while it waited in line", {
    effect: "none",
    details: { operation: "http.request" },
  });
}
