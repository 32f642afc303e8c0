/**
 * All specimens. A bug that we or a user find joins the group that it belongs to.
 */
import type { Specimen } from "./specimen.ts";
import { BALANCE } from "./specimens/balance.ts";
import { ELECTION } from "./specimens/election.ts";
import { CRON } from "./specimens/cron.ts";
import { FENCING } from "./specimens/fencing.ts";
import { HEARTBEATS_SPECIMENS } from "./specimens/heartbeats.ts";
import { GOSSIP_SPECIMENS, SPLIT_SPECIMENS } from "./specimens/gossip.ts";
import { HINTS } from "./specimens/hints.ts";
import { IDEMPOTENCY } from "./specimens/idempotency.ts";
import { LEASES_OVER_KV } from "./specimens/leases-over-kv.ts";
import { OUTBOX } from "./specimens/outbox.ts";
import { OUTCOMES } from "./specimens/outcomes.ts";
import { OWNERSHIP } from "./specimens/ownership.ts";
import { QUEUE } from "./specimens/queue.ts";
import { REGISTRY } from "./specimens/registry.ts";
import { RENEWAL } from "./specimens/renewal.ts";
import { RPC_STREAMS } from "./specimens/rpc-streams.ts";
import { RPC_SPECIMENS } from "./specimens/rpc.ts";
import { SAGA_SPECIMENS } from "./specimens/saga.ts";
import { SHARED_BREAKER } from "./specimens/shared-breaker.ts";
import { SHARED_RATE } from "./specimens/shared-rate.ts";
import { SWIM } from "./specimens/swim.ts";
import { TCC } from "./specimens/tcc.ts";
import { TIME } from "./specimens/time.ts";
import { TWO_PHASE } from "./specimens/two-phase.ts";
import { WATCHES } from "./specimens/watches.ts";

/** The zoo's inhabitants, by theme. */
export const SPECIMENS: readonly Specimen[] = [
  ...OWNERSHIP,
  ...TIME,
  ...FENCING,
  ...QUEUE,
  ...RENEWAL,
  ...OUTCOMES,
  ...WATCHES,
  ...LEASES_OVER_KV,
  ...HINTS,
  ...GOSSIP_SPECIMENS,
  ...SPLIT_SPECIMENS,
  ...HEARTBEATS_SPECIMENS,
  ...IDEMPOTENCY,
  ...OUTBOX,
  ...SHARED_BREAKER,
  ...SHARED_RATE,
  ...CRON,
  ...TCC,
  ...ELECTION,
  ...TWO_PHASE,
  ...RPC_STREAMS,
  ...SAGA_SPECIMENS,
  ...REGISTRY,
  ...BALANCE,
  ...SWIM,
  ...RPC_SPECIMENS,
];
