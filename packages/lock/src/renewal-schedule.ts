/**
 * When to renew which lease: the machine behind the renewal wheel.
 *
 * A lease is renewed at a third of its TTL, ±10 %, so that two more tries fit in before its end. A
 * try that fails is followed by another no sooner than a twelfth of the TTL and never sooner than
 * 50 ms after the last was sent. When one lease is due, all of like TTL that will be due within a
 * quarter of a period go along, and stay together from then on: a thousand leases soon cost one
 * call per period, and at no time more than five. After a failure the batch is retried in ever
 * smaller pieces, because one partition that is down must not cost the leases of the others.
 *
 * Sans-I/O: it is handed the two clocks and says what to ask, whom to call lost, when to come back.
 *
 * Guarantees: a lease past its window is reported as overdue once, and never asked for again; at
 * most one try of a lease is under way. Does not guarantee that a renewal lands in time.
 */
import { DueHeap, type LeaseWindow, type Ms, type Waking } from "@quorate/core";

/** A third of the TTL: two more tries fit. */
const PERIODS_PER_TTL = 3;
/** Share of a period by which a lease may be renewed early to go with others. */
const GATHER = 1 / 4;
const TRY_TIMEOUTS_PER_TTL = 6;
const TRIES_PER_TTL = 12;
const MIN_SPACING_MS = 50;
/** Leases per call after the first, second … failed try in a row; then each for itself. */
const PIECES = [Infinity, 64, 8] as const;

/** The two clocks at one moment. */
export interface Instant {
  readonly monotonicMs: Ms;
  readonly wallMs: Ms;
}

type Phase =
  | { readonly kind: "resting"; readonly dueMs: Ms; readonly earliestMs: Ms }
  | { readonly kind: "asking"; readonly sentMs: Ms };

/** One lease in the schedule. */
export interface Scheduled extends Waking {
  readonly ttlMs: Ms;
  /** False once the lease shall end by its TTL; it is then only watched. */
  renews: boolean;
  /** How long the holder may believe. */
  window: LeaseWindow;
  phase: Phase;
  /** Tries that failed since the last success. */
  failures: number;
}

/** Leases to renew in one call. */
export interface Batch<T> {
  readonly leases: readonly T[];
  readonly timeoutMs: Ms;
}

/** What is to be done now. */
export interface Turn<T> {
  readonly overdue: readonly T[];
  readonly batches: readonly Batch<T>[];
}

/** Milliseconds of belief left, by the clock on which more time passed; zero or less: lost. */
export function leftMs(window: LeaseWindow, now: Instant): Ms {
  return Math.min(window.validUntilMs - now.monotonicMs, window.validUntilWallMs - now.wallMs);
}

/** Length of the pause before the next renewal; `chance` in [0, 1). */
export function renewalPeriodMs(ttlMs: Ms, chance: number): Ms {
  return (ttlMs / PERIODS_PER_TTL) * (0.9 + 0.2 * chance);
}

/** The schedule of all leases of one `Locks`. */
export class RenewalSchedule<T extends Scheduled> {
  readonly #heap = new DueHeap<T>();

  /** Leases in it. */
  get size(): number {
    return this.#heap.size;
  }

  /** When to take the next turn, on the monotonic clock; `undefined`: never. */
  get nextWakeMs(): Ms | undefined {
    return this.#heap.peek()?.wakeMs;
  }

  /** Takes charge of `lease`, just granted. */
  add(lease: T, now: Instant, chance: number): void {
    this.#rest(lease, now, now.monotonicMs + renewalPeriodMs(lease.ttlMs, chance), 0);
  }

  /** Forgets `lease`: released or lost. */
  remove(lease: T): void {
    this.#heap.remove(lease);
  }

  /** False after `remove`, and once it was overdue. */
  has(lease: T): boolean {
    return lease.heapIndex !== -1;
  }

  /** What is due at `now`. The leases of a batch count as asked for from now on. */
  turn(now: Instant): Turn<T> {
    const overdue: T[] = [];
    const due: T[] = [];
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      if (next.wakeMs > now.monotonicMs) break;
      if (leftMs(next.window, now) <= 0) {
        this.#heap.remove(next);
        overdue.push(next);
      } else if (isDue(next, now, 0)) {
        this.#ask(next, now);
        due.push(next);
      } else this.#heap.update(next, wakeOf(next, now));
    }
    if (due.length > 0) this.#gather(due, now);
    return { overdue, batches: batchesOf(due) };
  }

  /** Counts `lease` as asked for out of turn. False if a try is under way, or it is not in here. */
  askNow(lease: T, now: Instant): boolean {
    if (!this.has(lease) || lease.phase.kind === "asking") return false;
    this.#ask(lease, now);
    return true;
  }

  /** The store has renewed `lease`; `window` was opened before asking. */
  renewed(lease: T, window: LeaseWindow, now: Instant, chance: number): void {
    if (!this.has(lease)) return;
    lease.window = window;
    lease.failures = 0;
    const sentMs = lease.phase.kind === "asking" ? lease.phase.sentMs : now.monotonicMs;
    this.#rest(lease, now, sentMs + renewalPeriodMs(lease.ttlMs, chance), 0);
  }

  /** The try failed, or nobody knows. */
  failed(lease: T, now: Instant): void {
    if (!this.has(lease) || lease.phase.kind !== "asking") return;
    lease.failures += 1;
    const spacingMs = Math.max(MIN_SPACING_MS, lease.ttlMs / TRIES_PER_TTL);
    const againMs = Math.max(now.monotonicMs, lease.phase.sentMs + spacingMs);
    this.#rest(lease, now, againMs, againMs);
  }

  /** Adds to `due` what soon will be. Looks at every lease, but only a few times per period. */
  #gather(due: T[], now: Instant): void {
    for (const lease of [...this.#heap]) {
      const earlyMs = renewalPeriodMs(lease.ttlMs, 0.5) * GATHER;
      if (!isDue(lease, now, earlyMs) || leftMs(lease.window, now) <= 0) continue;
      this.#ask(lease, now);
      due.push(lease);
    }
  }

  #ask(lease: T, now: Instant): void {
    lease.phase = { kind: "asking", sentMs: now.monotonicMs };
    this.#heap.update(lease, wakeOf(lease, now));
  }

  #rest(lease: T, now: Instant, dueMs: Ms, earliestMs: Ms): void {
    lease.phase = { kind: "resting", dueMs, earliestMs };
    this.#heap.update(lease, wakeOf(lease, now));
  }
}

function isDue(lease: Scheduled, now: Instant, earlyMs: Ms): boolean {
  const { phase } = lease;
  if (!lease.renews || phase.kind !== "resting") return false;
  return phase.dueMs <= now.monotonicMs + earlyMs && phase.earliestMs <= now.monotonicMs;
}

/**
 * The next moment at which something about `lease` may change: it is due, or it ends. A lease that
 * is only watched is looked at each period all the same: the machine may have slept, and then the
 * wall clock alone has moved.
 */
function wakeOf(lease: Scheduled, now: Instant): Ms {
  const { phase } = lease;
  const endsMs = now.monotonicMs + Math.max(0, leftMs(lease.window, now));
  const lookMs =
    lease.renews && phase.kind === "resting"
      ? phase.dueMs
      : now.monotonicMs + lease.ttlMs / PERIODS_PER_TTL;
  return Math.min(endsMs, lookMs);
}

/** One call for leases of like TTL and like luck, as its timeout must suit the shortest. */
function batchesOf<T extends Scheduled>(due: readonly T[]): Batch<T>[] {
  const groups = new Map<string, T[]>();
  for (const lease of due) {
    const tries = Math.min(lease.failures, PIECES.length);
    const group = `${Math.floor(Math.log2(lease.ttlMs))}/${tries}`;
    const leases = groups.get(group);
    if (leases === undefined) groups.set(group, [lease]);
    else leases.push(lease);
  }
  return [...groups.values()].flatMap((leases) => {
    const size = PIECES[leases[0]?.failures ?? 0] ?? 1;
    return pieces(leases, size).map((piece) => ({ leases: piece, timeoutMs: tryTimeoutMs(piece) }));
  });
}

function pieces<T>(items: readonly T[], size: number): (readonly T[])[] {
  if (items.length <= size) return [items];
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** How long one try for these leases may take. */
export function tryTimeoutMs(leases: readonly Pick<Scheduled, "ttlMs">[]): Ms {
  const shortestMs = leases.reduce((least, { ttlMs }) => Math.min(least, ttlMs), Infinity);
  return shortestMs / TRY_TIMEOUTS_PER_TTL;
}
