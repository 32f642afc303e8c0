/**
 * All channels of Quorate, with what each tells and how loud that is: the closed table of events.
 *
 * Each is published on `runtime.events` under its name, by default on the channel of
 * `node:diagnostics_channel` called `quorate:<name>`. It stands here, below all packages, because
 * whoever wants all of them (a logger, a tracer, the docs) asks one table; a test compares it with
 * the sources and with docs/observability.md, so that it is complete.
 *
 * Guarantees: names are API. Events carry names, ids, keys and numbers, never a payload; `error`
 * is what the user's own code or a client library threw.
 * Does not guarantee that an event is told of everything: a process that dies tells nobody.
 */

/** How loud an event is: `error` needs somebody, `warn` may soon, `info` explains, else `debug`. */
export type EventLevel = "error" | "warn" | "info" | "debug";

/** What is known of a channel. */
export interface ChannelFacts {
  /** How loud its usual event is. */
  readonly level: EventLevel;
  /** When it is told. */
  readonly when: string;
}

type Row = readonly [name: string, level: EventLevel, when: string];

const ROWS: readonly Row[] = [
  ["lock.waiting", "debug", "a claim was sent that may stand in line"],
  ["lock.granted", "debug", "a claim holds"],
  [
    "lock.refused",
    "debug",
    "a claim came to nothing: held by others, given up, or the store failed",
  ],
  ["lock.lost", "warn", "a holder was told that it holds no more"],
  ["lock.released", "debug", "a lock was given back, or had ended by itself"],
  ["lock.renewal-failed", "warn", "one try to renew failed; others follow until the leases end"],
  ["election.elected", "info", "this candidate leads, and its work begins"],
  ["election.stepping-down", "info", "the work of a leader was told to stop"],
  ["election.ended", "info", "a term is over, and its work has ended or was cut off"],
  ["election.failed", "warn", "asking for the leadership, or recording the term, failed"],
  ["election.overdue", "warn", "the work of a former leader was told to stop, and goes on"],
  ["hint.changed", "info", "an election without a store: another leader, or nobody"],
  ["hint.ignored", "warn", "a message or a list of members that could not be used"],
  ["hint.namesake", "error", "another living process has this id"],
  ["hint.failed", "warn", "the bus did not take a message, or the store granted no epoch"],
  ["cron.claimed", "debug", "this process has a tick, and is about to run it"],
  ["cron.running", "debug", "a handler is about to be called; a tracer may wrap it"],
  ["cron.ended", "info", "a run of this process has ended"],
  ["cron.declared", "warn", "ticks that are not run, or runs of others that came to nothing"],
  ["cron.schedule-differs", "warn", "another process runs this job by another schedule"],
  ["cron.failed", "warn", "a look at the record, or a write, failed; another follows"],
  ["idempotency.claimed", "debug", "a run begins"],
  ["idempotency.ended", "debug", "a run has ended"],
  ["idempotency.replayed", "debug", "a repeat was given an answer"],
  ["idempotency.superseded", "warn", "a run was told that it is not the key's any more"],
  ["idempotency.mismatch", "warn", "a key was used with another request"],
  ["idempotency.forgotten", "info", "the audit of forget"],
  [
    "idempotency.renewal-failed",
    "warn",
    "one try to renew failed; others follow until the lease ends",
  ],
  ["http.not-stored", "warn", "a handler ran, and its answer was not kept"],
  ["breaker.transition", "warn", "a breaker went from one state to another"],
  ["breaker.rejected", "debug", "a call was not let through"],
  ["breaker.stale-result", "debug", "an outcome came too late to count"],
  ["breaker.fleet", "info", "this instance learnt of a new state of the fleet, or lost touch"],
  [
    "breaker.fleet-failed",
    "warn",
    "the store of a shared breaker did not do what it was asked for",
  ],
  ["retry.retrying", "debug", "another attempt will be made"],
  ["retry.exhausted", "debug", "failed for good, though repeatable"],
  ["retry.budget-empty", "debug", "failed for good for want of budget"],
  ["retry-budget.store-lost", "warn", "the store of a shared retry budget cannot be reached"],
  ["bulkhead.rejected", "debug", "a call got no place"],
  ["bulkhead.leaked", "warn", "work was given up on and runs on"],
  ["bulkhead.recovered", "debug", "a leaked place came free"],
  ["adaptive.moved", "debug", "the limit has moved"],
  ["adaptive.rejected", "debug", "a call got no place"],
  ["adaptive.leaked", "warn", "work was given up on and runs on"],
  ["adaptive.recovered", "debug", "a leaked place came free"],
  ["admission.shed", "debug", "a call was refused"],
  ["admission.moved", "debug", "the limit has moved"],
  ["admission.leaked", "warn", "a handler was given up on and runs on"],
  ["admission.recovered", "debug", "a leaked place came free"],
  ["throttle.rejected", "debug", "a call was held back"],
  ["hedge.sent", "debug", "a further call was sent"],
  ["hedge.won", "debug", "a further call won"],
  ["hedge.budget-empty", "debug", "a further call was not sent, for want of budget"],
  ["fallback.degraded", "info", "a poorer answer was given"],
  ["rate-limit.refused", "debug", "a call got no permit"],
  ["rate-limit.slice-changed", "debug", "this instance's share of a shared limit was changed"],
  ["rate-limit.store-lost", "warn", "the store of a shared limit cannot be reached"],
  ["resilience.listener-failed", "error", "a listener, a classifier or a subscriber threw"],
  ["rpc.calling", "debug", "a call is about to be sent; a tracer gives it the context it carries"],
  ["rpc.called", "debug", "a call has settled"],
  ["rpc.serving", "debug", "a call has arrived; a tracer may wrap its handler"],
  ["rpc.served", "debug", "a call has ended and was answered"],
  ["rpc.handler-failed", "error", "a handler threw what its contract does not know"],
  ["rpc.dropped", "debug", "a message was not run"],
  ["rpc.orphans", "info", "what became known of clients that may have died"],
  ["balancer.ejected", "warn", "an endpoint gets no calls of this balancer for a while"],
  ["balancer.returned", "info", "an endpoint that was ejected gets calls again"],
  ["discovery.panic", "warn", "a view begins or ceases to doubt the registry"],
  ["discovery.record-invalid", "warn", "a registration that nobody can read; it is skipped"],
  ["discovery.list-dropped", "error", "the last known list of endpoints grew too old"],
  ["discovery.draining", "info", "where an instance that drains has got to"],
  ["discovery.listener-failed", "error", "a listener of a view threw"],
  [
    "saga.starting",
    "debug",
    "a record is about to be created; a tracer gives it the context it carries",
  ],
  ["saga.started", "debug", "a record was created"],
  ["saga.attempting", "debug", "a function of a step is about to be called; a tracer may wrap it"],
  ["saga.step", "debug", "something about a step was stored"],
  ["saga.decided", "info", "a saga turned back; undos follow"],
  ["saga.stuck", "error", "a flag was raised: it needs somebody"],
  ["saga.ended", "debug", "the outcome of a saga stands"],
  ["saga.verb", "info", "an operator's word was stored"],
  ["saga.definition-changed", "error", "a record of this version has another shape; left as it is"],
  ["tcc.calling", "debug", "a participant is about to be called; a tracer may wrap it"],
  ["tcc.decided", "debug", "confirm or cancel: it is decided"],
  ["tcc.ended", "debug", "carried out everywhere"],
  ["tcc.stuck", "error", "a branch fails to settle, or a transaction kills its workers"],
  ["tcc.by-hand", "info", "the audit of operators' verbs"],
  ["two-phase.decided", "debug", "the decision is durable"],
  ["two-phase.ended", "debug", "all participants have carried it out"],
  ["two-phase.participant-failed", "warn", "one call of a participant failed"],
  ["two-phase.swept", "warn", "a branch that nobody carried out was found and carried out"],
  ["two-phase.foreign", "error", "prepared branches of another store: nobody here may judge them"],
  ["barrier.conflict", "error", "two records of one branch contradict each other"],
  ["barrier.refused", "debug", "a call that came after its cancel was kept out; all is well"],
  ["barrier.repeated", "info", "work is run again, since an earlier run of it left no answer"],
  ["transaction.worker", "debug", "a worker's lease: granted, lost, released, refused"],
  ["transaction.takeover", "info", "an orphan was taken, or another worker was faster"],
  ["transaction.scan", "debug", "one look at all records of a collection"],
  ["transaction.trouble", "warn", "something failed that goes on by itself"],
  ["outbox.claimed", "debug", "a relay serves a partition"],
  ["outbox.released", "debug", "a relay no longer serves a partition"],
  ["outbox.delivered", "debug", "the target has taken a message"],
  ["outbox.failed", "debug", "a message was not taken, and will be tried again"],
  ["outbox.dead", "error", "a message was given up, and is kept for an operator"],
  ["outbox.redriven", "info", "an operator sends a dead message again"],
  ["outbox.dropped", "info", "an operator dropped a dead message"],
  ["outbox.lag", "debug", "how far behind a partition is"],
  ["outbox.record-invalid", "warn", "something that is not ours lies there; left as it is"],
  ["outbox.trouble", "warn", "an upkeep call failed; it is tried again"],
  ["outbox.checked", "info", "a prepared message was asked about and decided"],
  ["membership.changed", "info", "this process thinks something else of a member"],
  ["membership.conflict", "error", "another living process is a member under this one's name"],
  ["membership.dropped", "debug", "a message that counted for nothing"],
  ["membership.lost", "warn", "this member's lease is over, and it asks for a new one"],
  ["membership.name-taken", "warn", "another holds this member's name; it goes on asking"],
  ["membership.failed", "warn", "the bus or the store failed; it goes on"],
  ["membership.record-invalid", "warn", "a lease of the group says what no member of ours does"],
  ["swim.changed", "info", "this member thinks something else of another"],
  ["swim.refused", "debug", "something came that counted for nothing"],
  ["swim.accused", "info", "others suspected this member, and it has refuted"],
  ["swim.paused", "warn", "this process stood still; it accuses nobody for that time"],
  ["swim.conflict", "error", "a younger process has this name; this one has stopped"],
  ["swim.failed", "warn", "a packet was not sent, or the incarnation not kept"],
  ["gossip.refused", "debug", "something that arrived was not believed"],
  ["gossip.reborn", "info", "others knew facts of this process that it had not said"],
  ["gossip.failed", "warn", "the bus did not take a message"],
  ["split.verdict", "warn", "the group has split, and this was decided"],
  ["split.failed", "error", "the callback threw, the lease's store failed, or the watch ended"],
  ["bus", "warn", "a subscriber's handler failed, or it could not keep up"],
  ["nats", "warn", "the link to the server changed, or a handler fell too far behind"],
  ["clock", "warn", "a clock's bound was not stored, or a time server is not to be trusted"],
  ["delivery", "debug", "what a group with a delivery order does: each notice by its kind"],
];

/**
 * By name, without `quorate:`.
 *
 * @example
 * import { subscribe } from "node:diagnostics_channel";
 * import { CHANNELS } from "@quorate/core";
 * for (const [name, { level }] of CHANNELS) {
 *   if (level === "error") subscribe(`quorate:${name}`, (event) => console.error(name, event));
 * }
 */
export const CHANNELS: ReadonlyMap<string, ChannelFacts> = new Map(
  ROWS.map(([name, level, when]) => [name, { level, when }]),
);
