/**
 * The ledger of ejections: who had which faults, who is out and until when. A pure machine.
 *
 * Two signs count. **Faults in a row**: the endpoint does not work. **Fault rate**: it fails more
 * than the others do, by a margin that chance does not explain; what all of them suffer is nobody's
 * fault, and ejecting would only make fewer of them do the work.
 *
 * Counts are of a window that begins with the first fault after the last window's end: an hour of
 * good answers does not hide a bad minute. A call that began before an ejection says nothing of
 * the time after it.
 *
 * As in Envoy's outlier detection, but for the rate: that is compared with the rate of the others,
 * which works from two endpoints on, and not with a multiple of the deviation.
 */
import type { Ms } from "@quorate/core";

import type { EjectionReason } from "./events.ts";

/** When to eject, and for how long. All of them checked. */
export interface EjectionLimits {
  readonly faultsInARow: number;
  readonly excess: number;
  readonly minCalls: number;
  readonly windowMs: Ms;
  readonly baseMs: Ms;
  readonly maxMs: Ms;
  readonly maxShare: number;
}

/** What is known of one endpoint. */
export interface LedgerEntry {
  readonly id: string;
  readonly service: string;
  inARow: number;
  ok: number;
  faults: number;
  /** The window that `ok` and `faults` are of. */
  window: number;
  /** Grows with each ejection: outcomes of an older term are not counted. */
  term: number;
  /** Ejections in a row. */
  times: number;
  /** Infinity: never yet. */
  returnedAtMs: Ms;
  /** 0: it is in. */
  outUntilMs: Ms;
}

/** Counts outcomes and keeps the terms. */
export class EjectionLedger {
  readonly #limits: EjectionLimits;
  #entries = new Map<string, LedgerEntry>();
  #out = 0;
  #window = 1;
  #windowEndsMs = -Infinity;
  #ok = 0;
  #faults = 0;

  constructor(limits: EjectionLimits) {
    this.#limits = limits;
  }

  /** How many are out. */
  get out(): number {
    return this.#out;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many may be out. */
  get allowance(): number {
    const share = Math.floor(this.#entries.size * this.#limits.maxShare + 1e-9);
    return Math.max(0, Math.min(share, this.#entries.size - 1));
  }

  /** These are the endpoints from now on. */
  keep(endpoints: readonly { readonly id: string; readonly service: string }[]): void {
    const before = this.#entries;
    this.#entries = new Map(
      endpoints.map(({ id, service }) => [id, before.get(id) ?? newEntry(id, service)]),
    );
    this.#out = 0;
    for (const { outUntilMs } of this.#entries.values()) if (outUntilMs > 0) this.#out += 1;
    for (const [id, { ok, faults, window }] of before) {
      if (this.#entries.has(id) || window !== this.#window) continue;
      this.#ok -= ok;
      this.#faults -= faults;
    }
  }

  /** The entry of `id`; undefined: there is none. */
  get(id: string): LedgerEntry | undefined {
    return this.#entries.get(id);
  }

  /** Whether `id` is out. */
  isOut(id: string): boolean {
    return (this.#entries.get(id)?.outUntilMs ?? 0) > 0;
  }

  /** A good answer to a call of `term`. */
  answered(entry: LedgerEntry, term: number): void {
    if (!this.#counts(entry, term)) return;
    entry.inARow = 0;
    entry.ok += 1;
    this.#ok += 1;
  }

  /** A fault of a call of `term`; answers why the endpoint ought to be ejected, if it ought. */
  failed(entry: LedgerEntry, term: number, nowMs: Ms): EjectionReason | undefined {
    if (nowMs >= this.#windowEndsMs) {
      this.#window += 1;
      this.#windowEndsMs = nowMs + this.#limits.windowMs;
      this.#ok = 0;
      this.#faults = 0;
    }
    if (!this.#counts(entry, term)) return undefined;
    entry.inARow += 1;
    entry.faults += 1;
    this.#faults += 1;
    if (this.#out >= this.allowance) return undefined;
    if (entry.inARow >= this.#limits.faultsInARow) return "faults-in-a-row";
    return this.#isOutlier(entry) ? "fault-rate" : undefined;
  }

  /** `entry` goes out; answers for how long. `chance` from 0 to 1 spreads the returns. */
  eject(entry: LedgerEntry, nowMs: Ms, chance: number): Ms {
    const { baseMs, maxMs } = this.#limits;
    // Every good stretch of time takes one back, so an old sinner is not one for ever.
    const good = Math.floor(Math.max(0, nowMs - entry.returnedAtMs) / baseMs);
    entry.times = Math.max(0, entry.times - good) + 1;
    const forMs = Math.min(maxMs, baseMs * 2 ** (entry.times - 1)) * (0.75 + chance / 2);
    entry.outUntilMs = nowMs + forMs;
    entry.term += 1;
    this.#out += 1;
    return forMs;
  }

  /** `entry` is back. */
  readmit(entry: LedgerEntry, nowMs: Ms): void {
    this.#out -= 1;
    this.#ok -= entry.window === this.#window ? entry.ok : 0;
    this.#faults -= entry.window === this.#window ? entry.faults : 0;
    Object.assign(entry, { inARow: 0, ok: 0, faults: 0, outUntilMs: 0, returnedAtMs: nowMs });
  }

  /** Who is out, the next to return first. */
  outlaws(): readonly LedgerEntry[] {
    return [...this.#entries.values()]
      .filter(({ outUntilMs }) => outUntilMs > 0)
      .sort((left, right) => left.outUntilMs - right.outUntilMs);
  }

  #counts(entry: LedgerEntry, term: number): boolean {
    if (entry.term !== term || this.#entries.get(entry.id) !== entry) return false;
    if (entry.window !== this.#window) {
      entry.window = this.#window;
      entry.ok = 0;
      entry.faults = 0;
    }
    return true;
  }

  #isOutlier({ ok, faults }: LedgerEntry): boolean {
    const { minCalls, excess } = this.#limits;
    const calls = ok + faults;
    const others = this.#ok + this.#faults - calls;
    if (calls < minCalls || others < minCalls) return false;
    return faults / calls - (this.#faults - faults) / others >= excess;
  }
}

function newEntry(id: string, service: string): LedgerEntry {
  const counts = { inARow: 0, ok: 0, faults: 0, window: 0 };
  return { id, service, ...counts, term: 0, times: 0, returnedAtMs: Infinity, outUntilMs: 0 };
}
