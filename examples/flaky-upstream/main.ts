/**
 * Retries at every tier, during an outage: 27 requests for one, or hardly more than one.
 *
 * A gateway calls orders, orders call prices, and everybody tries three times. While prices is
 * down, tries multiply: 3 x 3 x 3 for each user, against a service that is trying to get up. With
 * the default policy, and `call` handed on, tries are counted over all tiers, retries have a
 * budget, and a breaker stops asking. In better times, when one request in five fails, both ways
 * answer every user.
 */
import { connect, type Quorate } from "quorate";
import { QuorateError } from "quorate/core";
import { backoff, retry } from "quorate/resilience";
import { type ClientOptions, contract } from "quorate/rpc";
import { z } from "zod";
import type { Stage } from "../shared/example.ts";

const ask = { input: z.string(), output: z.number(), repeat: "safe" } as const;
const Gateway = contract("gateway", "1.0.0", { buy: ask });
const Orders = contract("orders", "1.0.0", { total: ask });
const Prices = contract("prices", "1.0.0", { of: ask });

const USERS = { flaky: 25, outage: 15 };
/** Three tiers; `buy` is one user's request. */
interface Tiers {
  buy(): Promise<number>;
  /** How prices is: it fails one request in `failsOneIn`; 1: it is down. */
  readonly prices: { failsOneIn: number; requests: number };
  close(): Promise<void>;
}

/** Opens them. `hands`: a tier hands its call on to the next. */
async function openTiers(
  open: (name: string) => Promise<Quorate>,
  hands: boolean,
  client: ClientOptions,
): Promise<Tiers> {
  const user = await open("user");
  const gateway = await open("gateway");
  const orders = await open("orders");
  const upstream = await open("prices");
  const prices = { failsOneIn: 5, requests: 0 };
  await upstream.rpc.serve(Prices, {
    of() {
      prices.requests += 1;
      if (prices.requests % prices.failsOneIn === 0) throw lockedTable();
      return 7;
    },
  });
  const priceOf = orders.rpc.client(Prices, client);
  await orders.rpc.serve(Orders, {
    total: (item, call) => priceOf.of(item, hands ? { call } : {}),
  });
  const totalOf = gateway.rpc.client(Orders, client);
  await gateway.rpc.serve(Gateway, {
    buy: (item, call) => totalOf.total(item, hands ? { call } : {}),
  });
  const shop = user.rpc.client(Gateway, client);
  return {
    prices,
    buy: () => shop.buy("tea"),
    async close() {
      await user.close();
      await Promise.all([gateway, orders, upstream].map((q) => q.close()));
    },
  };
}

/** A database says that it is in trouble, and that nothing happened. */
function lockedTable(): QuorateError {
  const details = { operation: "select price" };
  return new QuorateError("STORE_UNAVAILABLE", "the table is locked", { effect: "none", details });
}

interface Visit {
  readonly users: number;
  readonly answered: number;
  readonly perUser: number;
}

/** What some users saw, and what each of them cost the upstream. */
async function visit({ buy, prices }: Tiers, users: number): Promise<Visit> {
  const before = prices.requests;
  let answered = 0;
  for (let user = 0; user < users; user++) {
    const [end] = await Promise.allSettled([buy()]);
    if (end.status === "fulfilled") answered += 1;
  }
  return { users, answered, perUser: (prices.requests - before) / users };
}

/** Tells it. */
export async function play({ engine, options, say, check }: Stage): Promise<void> {
  const open = (name: string): Promise<Quorate> => connect(engine, { ...options, name });
  const day = async (way: string, tiers: Tiers) => {
    const flaky = await visit(tiers, USERS.flaky);
    say(`${way}, one request in five fails: ${told(flaky)}`);
    tiers.prices.failsOneIn = 1;
    const outage = await visit(tiers, USERS.outage);
    say(`${way}, prices is down: ${told(outage)}`);
    await tiers.close();
    return { flaky, outage };
  };

  // As it is often written: three tries here, three there, nobody knows of the others.
  const threeTries = retry({ budget: false, backoff: backoff.constant({ delayMs: 1 }) });
  const alone = { policy: threeTries, timeoutMs: 30_000 };
  const naive = await day("naive ", await openTiers(open, false, alone));
  const policy = await day("policy", await openTiers(open, true, { timeoutMs: 1_000 }));

  check("naive retries ask 27 times for each user of an outage", naive.outage.perUser === 27);
  check("the policy asks less than twice", policy.outage.perUser < 2);
  const isAll = naive.flaky.answered + policy.flaky.answered === 2 * USERS.flaky;
  check("on a flaky day both answer every user", isAll);
  check("for which the policy asks less than one and a half times", policy.flaky.perUser < 1.5);
}

function told({ users, answered, perUser }: Visit): string {
  return `amplification ${perUser.toFixed(2)}, ${answered} of ${users} users answered`;
}
