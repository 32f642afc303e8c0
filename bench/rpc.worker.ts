/**
 * One half of a pair: see `rpc/pair.ts`. It takes orders over IPC, and ends when its parent has
 * gone.
 */
import { nowMs } from "./harness/clock.ts";
import { takeOrders } from "./harness/helper.ts";
import { quantile } from "./harness/statistics.ts";
import { load } from "./rpc/catalogue.ts";
import type { RpcSample } from "./rpc/contender.ts";
import { QUOTE, type Quote, type Quoted } from "./rpc/orders.ts";
import type { PairAnswer, PairOrder } from "./rpc/pair.ts";

let call: ((question: Quote) => Promise<Quoted>) | undefined;

takeOrders(carryOut);

async function carryOut(order: PairOrder): Promise<PairAnswer> {
  switch (order.kind) {
    case "serve": {
      const address = await (await load(order.id)).serve(order.urls);
      return { address, sample: undefined };
    }
    case "connect": {
      call = await (await load(order.id)).connect(order.urls, order.address);
      await call(QUOTE);
      return { address: "", sample: undefined };
    }
    case "measure":
      return { address: "", sample: await measure(order.calls, order.atOnce) };
  }
}

async function measure(calls: number, atOnce: number): Promise<RpcSample> {
  const ask = call;
  if (ask === undefined) throw new Error("not connected");
  const times: number[] = [];
  let left = calls;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const beforeMs = performance.now();
      const { cents } = await ask(QUOTE);
      times.push(performance.now() - beforeMs);
      if (cents !== QUOTE.cents + 1) throw new Error("a wrong answer");
    }
  };
  const startedMs = nowMs();
  await Promise.all(Array.from({ length: atOnce }, one));
  const perSecond = calls / ((nowMs() - startedMs) / 1_000);
  return { perSecond, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}
