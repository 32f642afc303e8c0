/**
 * Outlier ejection: an endpoint that fails while others do not gets no calls for a while.
 *
 * It stands around any balancer: outcomes are counted on their way, and an endpoint that is
 * ejected is left out of the inner balancer's list. After its time it returns, and if it still
 * fails it goes again, for twice as long. Times are spread by chance, so that not all callers come
 * back to it in one moment.
 *
 * Guarantees: at most `maxShare` of the endpoints are out at once, rounded down, and never the
 * last one; so of two, nobody is ever ejected. Does not guarantee: that what is broken gets no
 * calls: that takes a few faults each time, and room under `maxShare`. What all endpoints suffer
 * ejects nobody by rate; that is a breaker's work.
 *
 * Envoy, "Outlier detection".
 */
import {
  inRange,
  knownOptions,
  type Ms,
  positive,
  positiveInteger,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import type { Balancer, Pick, PickOutcome, PickRequest, Standing } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { candidatesOf, checkEndpoints } from "./candidates.ts";
import { EjectionLedger, type EjectionLimits, type LedgerEntry } from "./ejection-ledger.ts";
import { type EjectionReason, EjectionVoice, type EndpointReturned } from "./events.ts";
import { checkInner, namedOr } from "./named.ts";
import { standingsOf } from "./standings.ts";

/** Options of `ejecting`. */
export interface EjectionOptions {
  /** For events. @default the inner balancer's name */
  readonly name?: string | undefined;
  /** So many faults without a good answer between them eject. @default 5 */
  readonly faultsInARow?: number | undefined;
  /** A fault rate so far above that of all others together ejects, 0 to 1. @default 0.3 */
  readonly excess?: number | undefined;
  /** Calls to the endpoint, and to the others, below which no rate is judged. @default 20 */
  readonly minCalls?: number | undefined;
  /** Rates are of so much time. @default 10_000 */
  readonly windowMs?: Ms | undefined;
  /** The first ejection lasts so long, give or take a quarter. @default 10_000 */
  readonly baseMs?: Ms | undefined;
  /** None lasts longer, give or take a quarter. @default 60_000 */
  readonly maxMs?: Ms | undefined;
  /** At most this part of the endpoints is out at once, 0 to 1. @default 1/3 */
  readonly maxShare?: number | undefined;
  /** Where time, chance and events come from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

/**
 * `inner`, with outliers left out for a while. It takes `inner` over: update and pick here only.
 * Throws INVALID_ARGUMENT for a bad option.
 *
 * @example
 * import { balance, ejecting } from "@quorate/discovery";
 * const balancer = ejecting(balance.roundRobin(), { faultsInARow: 3 });
 */
export function ejecting(inner: Balancer, options: EjectionOptions = {}): Balancer {
  return new Ejecting(inner, options);
}

class Ejecting implements Balancer {
  readonly name: string;
  readonly #inner: Balancer;
  readonly #runtime: Runtime;
  readonly #ledger: EjectionLedger;
  readonly #voice: EjectionVoice;
  #endpoints: readonly Endpoint[] = [];
  #nextReturnMs = Infinity;

  constructor(inner: Balancer, options: EjectionOptions) {
    this.#ledger = new EjectionLedger(limitsOf(options));
    this.#inner = checkInner(inner);
    this.name = namedOr(options.name, inner.name);
    this.#runtime = options.runtime ?? systemRuntime;
    this.#voice = new EjectionVoice(this.#runtime);
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = checkEndpoints(endpoints);
    const candidates = candidatesOf(this.#endpoints);
    this.#ledger.keep(candidates.map(({ endpoint }) => endpoint));
    const back = this.#readmitDue();
    this.#tellInner();
    this.#announce(back);
  }

  pick(request?: PickRequest): Pick | undefined {
    if (this.#ledger.out > 0) this.#look();
    const pick = this.#inner.pick(request);
    if (pick === undefined) return undefined;
    const entry = this.#ledger.get(pick.endpoint.id);
    return entry === undefined ? pick : new WatchedPick(this, pick, entry);
  }

  standings(): readonly Standing[] {
    const nowMs = this.#runtime.time.monotonicMs();
    return standingsOf(this.#endpoints, this.#inner.standings()).map((row) => {
      const outUntilMs = this.#ledger.get(row.endpoint.id)?.outUntilMs ?? 0;
      return { ...row, ejectedForMs: Math.max(0, outUntilMs - nowMs) };
    });
  }

  /** For its picks alone: one that began in `term` has ended. */
  settle(entry: LedgerEntry, term: number, outcome: PickOutcome): void {
    if (outcome === "ok") this.#ledger.answered(entry, term);
    if (outcome !== "fault") return;
    const nowMs = this.#runtime.time.monotonicMs();
    const reason = this.#ledger.failed(entry, term, nowMs);
    if (reason !== undefined) this.#eject(entry, reason, nowMs);
  }

  #eject(entry: LedgerEntry, reason: EjectionReason, nowMs: Ms): void {
    const ledger = this.#ledger;
    const forMs = ledger.eject(entry, nowMs, this.#runtime.random.next());
    this.#nextReturnMs = Math.min(this.#nextReturnMs, entry.outUntilMs);
    this.#tellInner();
    this.#voice.ejected({
      balancer: this.name,
      service: entry.service,
      endpoint: entry.id,
      reason,
      forMs,
      times: entry.times,
      ejected: ledger.out,
      of: ledger.size,
    });
  }

  #look(): void {
    const back = this.#readmitDue();
    if (back.length === 0) return;
    this.#tellInner();
    this.#announce(back);
  }

  /** Takes back those whose time is over, and those who are needed. */
  #readmitDue(): readonly EndpointReturned[] {
    const nowMs = this.#runtime.time.monotonicMs();
    const ledger = this.#ledger;
    if (nowMs < this.#nextReturnMs && ledger.out <= ledger.allowance) return [];
    const back: EndpointReturned[] = [];
    this.#nextReturnMs = Infinity;
    for (const entry of ledger.outlaws()) {
      const isDue = entry.outUntilMs <= nowMs;
      if (isDue || ledger.out > ledger.allowance) {
        ledger.readmit(entry, nowMs);
        const { id: endpoint, service } = entry;
        back.push({ balancer: this.name, service, endpoint, reason: isDue ? "time" : "needed" });
      } else {
        this.#nextReturnMs = Math.min(this.#nextReturnMs, entry.outUntilMs);
      }
    }
    return back;
  }

  #announce(back: readonly EndpointReturned[]): void {
    for (const event of back) this.#voice.returned(event);
  }

  #tellInner(): void {
    this.#inner.update(this.#endpoints.filter(({ id }) => !this.#ledger.isOut(id)));
  }
}

/** A pick whose outcome is counted on its way to the inner balancer. */
class WatchedPick implements Pick {
  readonly endpoint: Endpoint;
  readonly #balancer: Ejecting;
  readonly #inner: Pick;
  readonly #term: number;
  #entry: LedgerEntry | undefined;

  constructor(balancer: Ejecting, inner: Pick, entry: LedgerEntry) {
    this.endpoint = inner.endpoint;
    this.#balancer = balancer;
    this.#inner = inner;
    this.#term = entry.term;
    this.#entry = entry;
  }

  end(outcome: PickOutcome): void {
    const entry = this.#entry;
    if (entry === undefined) return;
    this.#entry = undefined;
    this.#inner.end(outcome);
    this.#balancer.settle(entry, this.#term, outcome);
  }
}

function limitsOf(options: EjectionOptions): EjectionLimits {
  knownOptions("ejection", options, [
    "name",
    "faultsInARow",
    "excess",
    "minCalls",
    "windowMs",
    "baseMs",
    "maxMs",
    "maxShare",
    "runtime",
  ]);
  const baseMs = positive("baseMs", options.baseMs ?? 10_000);
  return {
    faultsInARow: positiveInteger("faultsInARow", options.faultsInARow ?? 5),
    excess: inRange("excess", options.excess ?? 0.3, 0, 1),
    minCalls: positiveInteger("minCalls", options.minCalls ?? 20),
    windowMs: positive("windowMs", options.windowMs ?? 10_000),
    baseMs,
    maxMs: Math.max(baseMs, positive("maxMs", options.maxMs ?? 60_000)),
    maxShare: inRange("maxShare", options.maxShare ?? 1 / 3, 0, 1),
  };
}
