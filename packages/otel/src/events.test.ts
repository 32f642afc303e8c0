/**
 * The events as they are written down here, against the real ones: a change of a package that this
 * one does not hear of does not compile.
 */
import type { RunBegins, RunEnded, TickClaimed, TicksDeclared } from "@quorate/cron";
import type { Elected, SteppingDown, TermEnded } from "@quorate/election";
import type { ClaimedEvent, EndedEvent, SupersededEvent } from "@quorate/idempotency";
import type {
  LockGranted,
  LockLost,
  LockRefused,
  LockReleased,
  RenewalFailed,
} from "@quorate/lock";
import type { BreakerRejected, BreakerTransition } from "@quorate/resilience";
import type {
  CalledEvent,
  CallingEvent,
  DroppedEvent,
  ServedEvent,
  ServingEvent,
} from "@quorate/rpc";
import type {
  OutboxDeliveredEvent,
  OutboxLagEvent,
  SagaAttemptEvent,
  SagaDecidedEvent,
  SagaEndedEvent,
  SagaStartedEvent,
  SagaStartingEvent,
  SagaStuckEvent,
  TakeoverEvent,
  TccCalling,
  TccEnded,
} from "@quorate/transaction";
import { CHANNELS } from "@quorate/core";
import { expect, expectTypeOf, it } from "vitest";

import type * as heard from "./events.ts";
import { SPAN_EVENTS } from "./names.ts";

it("the events that are heard are those that are told", () => {
  expectTypeOf<LockGranted>().toExtend<heard.LockHeard["granted"]>();
  expectTypeOf<LockRefused>().toExtend<heard.LockHeard["refused"]>();
  expectTypeOf<LockLost>().toExtend<heard.LockHeard["lost"]>();
  expectTypeOf<LockReleased>().toExtend<heard.LockHeard["released"]>();
  expectTypeOf<RenewalFailed>().toExtend<heard.LockHeard["renewalFailed"]>();
  expectTypeOf<Elected>().toExtend<heard.ElectionHeard["elected"]>();
  expectTypeOf<SteppingDown>().toExtend<heard.ElectionHeard["steppingDown"]>();
  expectTypeOf<TermEnded>().toExtend<heard.ElectionHeard["ended"]>();
  expectTypeOf<TickClaimed>().toExtend<heard.CronHeard["claimed"]>();
  expectTypeOf<RunBegins>().toExtend<heard.CronHeard["running"]>();
  expectTypeOf<RunEnded>().toExtend<heard.CronHeard["ended"]>();
  expectTypeOf<TicksDeclared>().toExtend<heard.CronHeard["declared"]>();
  expectTypeOf<ClaimedEvent>().toExtend<heard.IdempotencyHeard["claimed"]>();
  expectTypeOf<EndedEvent>().toExtend<heard.IdempotencyHeard["ended"]>();
  expectTypeOf<SupersededEvent>().toExtend<heard.IdempotencyHeard["superseded"]>();
  expectTypeOf<BreakerTransition>().toExtend<heard.BreakerHeard["transition"]>();
  expectTypeOf<BreakerRejected>().toExtend<heard.BreakerHeard["rejected"]>();
  expectTypeOf<CallingEvent>().toExtend<heard.RpcHeard["calling"]>();
  expectTypeOf<CalledEvent>().toExtend<heard.RpcHeard["called"]>();
  expectTypeOf<ServingEvent>().toExtend<heard.RpcHeard["serving"]>();
  expectTypeOf<ServedEvent>().toExtend<heard.RpcHeard["served"]>();
  expectTypeOf<DroppedEvent>().toExtend<heard.RpcHeard["dropped"]>();
  expectTypeOf<SagaStartingEvent>().toExtend<heard.SagaHeard["starting"]>();
  expectTypeOf<SagaStartedEvent>().toExtend<heard.SagaHeard["started"]>();
  expectTypeOf<SagaAttemptEvent>().toExtend<heard.SagaHeard["attempting"]>();
  expectTypeOf<SagaDecidedEvent>().toExtend<heard.SagaHeard["decided"]>();
  expectTypeOf<SagaStuckEvent>().toExtend<heard.SagaHeard["stuck"]>();
  expectTypeOf<SagaEndedEvent>().toExtend<heard.SagaHeard["ended"]>();
  expectTypeOf<TccCalling>().toExtend<heard.TransactionHeard["calling"]>();
  expectTypeOf<TccEnded>().toExtend<heard.TransactionHeard["tccEnded"]>();
  expectTypeOf<TakeoverEvent>().toExtend<heard.TransactionHeard["takeover"]>();
  expectTypeOf<OutboxDeliveredEvent>().toExtend<heard.OutboxHeard["delivered"]>();
  expectTypeOf<OutboxLagEvent>().toExtend<heard.OutboxHeard["lag"]>();
  expect(SPAN_EVENTS.filter((channel) => !CHANNELS.has(channel))).toEqual([]);
});
