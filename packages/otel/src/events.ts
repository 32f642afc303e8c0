/**
 * The events that are heard, as far as they are looked at.
 *
 * Written down here instead of imported, so that this package needs none of the others to be
 * installed; `events.test.ts` compares them with the real ones.
 */
import type { CallLeaves, Ms, WorkBegins } from "@quorate/core";

interface LockSubject {
  readonly kind: string;
  readonly key: string;
}

interface Held extends LockSubject {
  readonly fencingToken: number;
}

/** `lock.*`. */
export interface LockHeard {
  readonly granted: Held & { readonly waitedMs: Ms };
  readonly refused: LockSubject & { readonly waitedMs: Ms; readonly why: string };
  readonly lost: Held & { readonly reason: string };
  readonly released: Held & { readonly answer: string };
  readonly renewalFailed: { readonly code: string; readonly leftMs: Ms };
}

interface Term {
  readonly election: string;
  readonly candidate: string;
  readonly term: number;
}

/** `election.*`. */
export interface ElectionHeard {
  readonly elected: Term;
  readonly steppingDown: Term & { readonly reason: string };
  readonly ended: Term;
}

/** `cron.*`. */
export interface CronHeard {
  readonly claimed: { readonly job: string; readonly lateMs: Ms };
  readonly running: WorkBegins & {
    readonly job: string;
    readonly key: string;
    readonly fencingToken: number;
    readonly attempt: number;
  };
  readonly ended: { readonly job: string; readonly outcome: string; readonly durationMs: Ms };
  readonly declared: {
    readonly job: string;
    readonly outcome: string;
    readonly count: number | undefined;
  };
}

interface IdempotencySubject {
  readonly key: string;
  readonly scope: string | undefined;
}

/** `idempotency.*`. */
export interface IdempotencyHeard {
  readonly claimed: IdempotencySubject & {
    readonly fencingToken: number;
    readonly attempt: number;
  };
  readonly ended: IdempotencySubject & { readonly fencingToken: number; readonly how: string };
  readonly superseded: IdempotencySubject & { readonly fencingToken: number };
}

/** `breaker.*`. */
export interface BreakerHeard {
  readonly transition: {
    readonly breaker: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  };
  readonly rejected: { readonly breaker: string; readonly state: string };
}

/** `rpc.*`. */
export interface RpcHeard {
  readonly calling: CallLeaves & {
    readonly service: string;
    readonly method: string;
    readonly client: string;
    readonly call: number;
  };
  readonly called: {
    readonly service: string;
    readonly method: string;
    readonly client: string;
    readonly call: number;
    readonly outcome: string;
    readonly effect: string | undefined;
    readonly tookMs: Ms;
    readonly attempts: number;
  };
  readonly serving: WorkBegins & {
    readonly service: string;
    readonly method: string;
    readonly instance: string;
    readonly client: string;
    readonly id: number;
  };
  readonly served: {
    readonly service: string;
    readonly method: string;
    readonly instance: string;
    readonly client: string;
    readonly id: number;
    readonly outcome: string;
    readonly effect: string;
    readonly tookMs: Ms;
  };
  readonly dropped: { readonly service: string; readonly reason: string };
}

interface SagaSubject {
  readonly saga: string;
  readonly id: string;
}

/** `saga.*`. */
export interface SagaHeard {
  readonly starting: SagaSubject & CallLeaves;
  readonly started: SagaSubject;
  readonly attempting: SagaSubject &
    WorkBegins & { readonly step: string; readonly doing: string; readonly attempt: number };
  readonly decided: SagaSubject & { readonly cause: string };
  readonly stuck: SagaSubject & { readonly isParked: boolean };
  readonly ended: SagaSubject & { readonly state: string; readonly tookMs: Ms };
}

/** `tcc.*`, `two-phase.*`, `transaction.*`. */
export interface TransactionHeard {
  readonly calling: WorkBegins & {
    readonly id: string;
    readonly name: string;
    readonly participant: string;
    readonly doing: string;
    readonly attempt: number;
  };
  readonly tccEnded: { readonly name: string; readonly state: string };
  readonly twoPhaseEnded: { readonly decision: string; readonly inDoubtMs: Ms };
  readonly takeover: { readonly collection: string; readonly won: boolean };
}

/** `outbox.*`. */
export interface OutboxHeard {
  readonly delivered: { readonly outbox: string; readonly ageMs: Ms };
  readonly lag: {
    readonly outbox: string;
    readonly partition: number;
    readonly pending: number;
    readonly lagMs: Ms;
  };
}
