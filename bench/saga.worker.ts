/**
 * One contender of the saga benchmark: see `saga/own-process.ts`. It takes orders over IPC, and
 * ends when its parent has gone.
 */
import { nowMs } from "./harness/clock.ts";
import { takeOrders } from "./harness/helper.ts";
import { median } from "./harness/statistics.ts";
import { CONTENDERS } from "./saga/catalogue.ts";
import type { Contender, Servers, Session } from "./saga/contender.ts";
import { AT_ONCE, type SagaOrder, type Sample } from "./saga/own-process.ts";

/** Sagas one after another, for each ten that run with others. */
const ALONE_SHARE = 10;

let opened: { readonly contender: Contender; session: Session } | undefined;
let servers: Servers;

takeOrders(carryOut);

async function carryOut(order: SagaOrder): Promise<Sample | undefined> {
  switch (order.kind) {
    case "open": {
      const contender = CONTENDERS.find(({ id }) => id === order.id);
      if (contender === undefined) throw new Error(`no contender ${order.id}`);
      servers = order.servers;
      opened = { contender, session: await contender.open(servers) };
      return undefined;
    }
    case "sample":
      return sampleOnce();
    case "close":
      await opened?.session.close();
      return undefined;
  }
}

let ids = 0;
const newId = (): string => `saga-${process.pid}-${(ids += 1)}`;

async function sampleOnce(): Promise<Sample> {
  if (opened === undefined) throw new Error("not opened");
  const { contender } = opened;
  const { crowd } = contender;
  if (contender.isForgotten === true) {
    await opened.session.close();
    opened.session = await contender.open(servers);
  }
  const { session } = opened;
  // Between its rounds a process stands still, and comes back with cold caches and a small heap.
  await timeAll(crowd / 2, (id) => session.succeed(id));
  const times: number[] = [];
  for (let count = 0; count < Math.max(5, crowd / ALONE_SHARE); count += 1) {
    const beforeMs = nowMs();
    await session.succeed(newId());
    times.push(nowMs() - beforeMs);
  }
  const perSecond = await timeAll(crowd, (id) => session.succeed(id));
  const undonePerSecond = await timeAll(crowd / 2, (id) => session.compensate(id));
  return { aloneMs: median(times), perSecond, undonePerSecond };
}

async function timeAll(count: number, run: (id: string) => Promise<unknown>): Promise<number> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await run(newId());
    }
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (count / (nowMs() - startedMs)) * 1_000;
}
