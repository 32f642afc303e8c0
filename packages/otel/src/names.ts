/**
 * Every name that this package gives, as data: spans, metrics and their attributes.
 *
 * Where OpenTelemetry has a convention it is followed (`rpc.*`, `error.type`); all else begins with
 * `quorate.`. Units are UCUM; durations are seconds. Names are API: dashboards are built on them.
 * docs/observability.md has this table, and a test compares the two.
 *
 * Guarantees: no metric has a key, an id or an address for an attribute; names of jobs, breakers
 * and the like are cut to `maxNames` different ones, and the rest is `_OTHER`.
 *
 * OpenTelemetry semantic conventions 1.45: RPC metrics, `error.type`.
 */

/** How a metric is measured. */
export type MetricKind = "histogram" | "counter" | "up-down-counter" | "gauge";

/** One metric. */
export interface MetricFacts {
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM. */
  readonly unit: string;
  /** What it says. */
  readonly description: string;
  readonly attributes: readonly string[];
}

/** One span. */
export interface SpanFacts {
  /** `{…}` stands for a name that the program gave. */
  readonly name: string;
  readonly kind: "internal" | "client" | "server";
  /** From when to when. */
  readonly covers: string;
  readonly attributes: readonly string[];
}

const OUTCOME = "quorate.outcome";
const REASON = "quorate.reason";
const ERROR = "error.type";
const LOCK = "quorate.lock.kind";
const RPC = ["rpc.system.name", "rpc.method", "rpc.status_code", "quorate.effect", ERROR];
const LIMIT = ["quorate.limit.kind", "quorate.limit.name"];
const ENGINE = ["quorate.engine.name", "quorate.engine.operation"];

function metric(
  kind: MetricKind,
  name: string,
  unit: string,
  description: string,
  ...attributes: readonly string[]
): MetricFacts {
  return { name, kind, unit, description, attributes };
}

const seconds = (name: string, description: string, ...attributes: readonly string[]) =>
  metric("histogram", name, "s", description, ...attributes);
const counted = (name: string, unit: string, description: string, ...attributes: string[]) =>
  metric("counter", name, unit, description, ...attributes);

/** All metrics, by what the code calls them. */
export const METRICS: Readonly<Record<MetricId, MetricFacts>> = {
  lockAcquire: seconds("quorate.lock.acquire.duration", "Wait for a lock", LOCK, OUTCOME, ERROR),
  lockHold: seconds("quorate.lock.hold.duration", "How long a lock was held", LOCK, OUTCOME),
  lockHeld: metric("up-down-counter", "quorate.lock.held", "{lock}", "Locks held now", LOCK),
  lockLost: counted("quorate.lock.lost", "{lock}", "Locks lost while held", LOCK, REASON),
  renewalFailed: counted(
    "quorate.lease.renewal.failures",
    "{failure}",
    "Renewals that failed once; others follow until the lease ends",
    ERROR,
  ),
  leaseLeft: seconds("quorate.lease.margin", "Time left when a renewal failed", ERROR),
  leader: metric(
    "up-down-counter",
    "quorate.election.leader",
    "{leader}",
    "1 where this process leads",
    "quorate.election.name",
  ),
  term: seconds(
    "quorate.election.term.duration",
    "How long a term lasted",
    "quorate.election.name",
    REASON,
  ),
  cronRun: seconds("quorate.cron.run.duration", "Runs of a job", "quorate.cron.job", OUTCOME),
  cronLate: seconds("quorate.cron.run.lateness", "Start after its time", "quorate.cron.job"),
  cronDeclared: counted(
    "quorate.cron.declared",
    "{tick}",
    "Ticks that were not run, or whose run came to nothing",
    "quorate.cron.job",
    OUTCOME,
  ),
  idempotency: counted("quorate.idempotency.calls", "{call}", "Calls under a key", OUTCOME),
  breakerOpen: metric(
    "up-down-counter",
    "quorate.breaker.open",
    "{breaker}",
    "Breakers that let no call through now",
    "quorate.breaker.name",
  ),
  breakerTransitions: counted(
    "quorate.breaker.transitions",
    "{transition}",
    "Changes of state",
    "quorate.breaker.name",
    "quorate.breaker.state",
    REASON,
  ),
  breakerRejections: counted(
    "quorate.breaker.rejections",
    "{call}",
    "Calls that were not let through",
    "quorate.breaker.name",
    "quorate.breaker.state",
  ),
  retryAttempts: counted(
    "quorate.retry.attempts",
    "{attempt}",
    "Attempts after the first",
    "quorate.retry.name",
  ),
  retryExhausted: counted(
    "quorate.retry.exhausted",
    "{call}",
    "Calls that failed for good, though repeatable",
    "quorate.retry.name",
    REASON,
  ),
  limitRejections: counted(
    "quorate.limit.rejections",
    "{call}",
    "Calls that a bulkhead, a limit, a throttle or an admission refused",
    ...LIMIT,
    REASON,
  ),
  limitLeaked: metric(
    "gauge",
    "quorate.limit.leaked",
    "{place}",
    "Places held by work that was given up on",
    ...LIMIT,
  ),
  hedge: counted("quorate.hedge.calls", "{call}", "Further calls", "quorate.hedge.name", OUTCOME),
  fallback: counted(
    "quorate.fallback.degraded",
    "{call}",
    "Poorer answers given",
    "quorate.fallback.name",
  ),
  rpcClient: seconds("rpc.client.call.duration", "Outgoing calls, with all attempts", ...RPC),
  rpcServer: seconds("rpc.server.call.duration", "Incoming calls, from arrival to answer", ...RPC),
  rpcDropped: counted(
    "quorate.rpc.dropped",
    "{message}",
    "Messages that were not run",
    "quorate.rpc.service",
    REASON,
  ),
  saga: seconds("quorate.saga.duration", "Start to outcome", "quorate.saga.name", OUTCOME),
  sagaStep: seconds(
    "quorate.saga.step.duration",
    "One attempt of a step",
    "quorate.saga.name",
    "quorate.saga.step",
    "quorate.saga.doing",
    OUTCOME,
    ERROR,
  ),
  sagaCompensations: counted(
    "quorate.saga.compensations",
    "{saga}",
    "Sagas that turned back",
    "quorate.saga.name",
    REASON,
  ),
  sagaStuck: counted(
    "quorate.saga.stuck",
    "{flag}",
    "Flags raised: somebody is needed",
    "quorate.saga.name",
    "quorate.saga.parked",
  ),
  tccCall: seconds(
    "quorate.tcc.call.duration",
    "One call of a participant",
    "quorate.tcc.name",
    "quorate.tcc.participant",
    "quorate.tcc.doing",
    OUTCOME,
    ERROR,
  ),
  tccEnded: counted(
    "quorate.tcc.ended",
    "{transaction}",
    "Transactions carried out everywhere",
    "quorate.tcc.name",
    OUTCOME,
  ),
  inDoubt: seconds(
    "quorate.two_phase.in_doubt.duration",
    "From the decision to the last participant's word",
    OUTCOME,
  ),
  takeovers: counted(
    "quorate.transaction.takeovers",
    "{instance}",
    "Orphans that were taken up",
    "quorate.transaction.collection",
    "quorate.transaction.won",
  ),
  outboxAge: seconds(
    "quorate.outbox.delivery.age",
    "From storing a message to its delivery",
    "quorate.outbox.name",
  ),
  outboxLag: metric(
    "gauge",
    "quorate.outbox.lag",
    "s",
    "Age of the oldest message of a partition",
    "quorate.outbox.name",
    "quorate.outbox.partition",
  ),
  outboxPending: metric(
    "gauge",
    "quorate.outbox.pending",
    "{message}",
    "Messages of a partition that wait",
    "quorate.outbox.name",
    "quorate.outbox.partition",
  ),
  memberChanges: counted(
    "quorate.member.changes",
    "{change}",
    "What this process came to think of members",
    "quorate.member.group",
    "quorate.member.change",
  ),
  incidents: counted(
    "quorate.incidents",
    "{event}",
    "Events of the channels that are a warning or an error: one metric to alert on",
    "quorate.channel",
    "quorate.level",
  ),
  engine: seconds("quorate.engine.operation.duration", "Round trips", ...ENGINE, OUTCOME, ERROR),
};

/** What the code calls a metric. */
export type MetricId =
  | "lockAcquire"
  | "lockHold"
  | "lockHeld"
  | "lockLost"
  | "renewalFailed"
  | "leaseLeft"
  | "leader"
  | "term"
  | "cronRun"
  | "cronLate"
  | "cronDeclared"
  | "idempotency"
  | "breakerOpen"
  | "breakerTransitions"
  | "breakerRejections"
  | "retryAttempts"
  | "retryExhausted"
  | "limitRejections"
  | "limitLeaked"
  | "hedge"
  | "fallback"
  | "rpcClient"
  | "rpcServer"
  | "rpcDropped"
  | "saga"
  | "sagaStep"
  | "sagaCompensations"
  | "sagaStuck"
  | "tccCall"
  | "tccEnded"
  | "inDoubt"
  | "takeovers"
  | "outboxAge"
  | "outboxLag"
  | "outboxPending"
  | "memberChanges"
  | "incidents"
  | "engine";

function span(
  name: string,
  covers: string,
  attributes: readonly string[],
  kind: SpanFacts["kind"] = "internal",
): SpanFacts {
  return { name, kind, covers, attributes };
}

const KEY = ["quorate.lock.key", LOCK, "quorate.fencing_token"];
const CALL = ["rpc.system.name", "rpc.method", "rpc.status_code", "quorate.effect", ERROR];

/** All spans. */
export const SPANS: readonly SpanFacts[] = [
  span("lock acquire", "the wait for a lock", [...KEY, OUTCOME, ERROR]),
  span("lock hold", "grant to release or loss; linked to its acquire", [
    ...KEY,
    OUTCOME,
    REASON,
    ERROR,
  ]),
  span("election {election}", "one term of this process; a trace of its own", [
    "quorate.election.name",
    "quorate.election.term",
    REASON,
  ]),
  span("cron {job}", "one call of a handler; a trace of its own", [
    "quorate.cron.job",
    "quorate.cron.key",
    "quorate.cron.attempt",
    "quorate.fencing_token",
    ERROR,
  ]),
  span("idempotency run", "one run under a key, claim to end", [
    "quorate.idempotency.key",
    "quorate.idempotency.attempt",
    "quorate.fencing_token",
    OUTCOME,
    ERROR,
  ]),
  span(
    "{service}/{method}",
    "one call, with all attempts",
    [...CALL, "quorate.rpc.attempts"],
    "client",
  ),
  span("{service}/{method}", "one call, arrival to answer; child of the client's", CALL, "server"),
  span("saga start {saga}", "making the record; the record carries this span", [
    "quorate.saga.name",
    "quorate.saga.id",
  ]),
  span(
    "saga step {saga}.{step}",
    "one attempt; child of the start in the process that started it, elsewhere linked to it",
    [
      "quorate.saga.name",
      "quorate.saga.id",
      "quorate.saga.step",
      "quorate.saga.doing",
      "quorate.saga.attempt",
      OUTCOME,
      ERROR,
    ],
  ),
  span("tcc {name}.{participant} {doing}", "one call of a participant", [
    "quorate.tcc.name",
    "quorate.tcc.id",
    "quorate.tcc.participant",
    "quorate.tcc.doing",
    "quorate.tcc.attempt",
    OUTCOME,
    ERROR,
  ]),
  span(
    "{engine} {operation}",
    "one round trip, through `instrumentBackend`",
    [...ENGINE, ERROR],
    "client",
  ),
];

/** Events that are put on the span that is active when they are told. */
export const SPAN_EVENTS: readonly string[] = [
  "retry.retrying",
  "retry.exhausted",
  "breaker.rejected",
  "bulkhead.rejected",
  "rate-limit.refused",
  "throttle.rejected",
  "fallback.degraded",
  "idempotency.replayed",
  "idempotency.mismatch",
  "lock.refused",
];
