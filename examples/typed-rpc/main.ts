/**
 * One contract for both sides; and every call that fails says whether it happened.
 *
 * A payment service and its client share a contract: schemas, errors, and what may be repeated. The
 * client's mistakes are refused before they are sent. A payment that is asked twice is made once. A
 * call that takes too long ends at its deadline on both sides, and says that nobody knows. When the
 * service is down a breaker answers in its stead, until it is back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "quorate";
import { effectOf, isQuorateError } from "quorate/core";
import { breaker } from "quorate/resilience";
import { contract, failedWith } from "quorate/rpc";
import { z } from "zod";
import type { Stage } from "../shared/example.ts";

const Payments = contract("payments", "1.0.0", {
  charge: {
    input: z.object({ order: z.string(), cents: z.int().positive() }),
    output: z.object({ receipt: z.string() }),
    errors: { CardDeclined: z.object({ limit: z.int() }) },
    repeat: "keyed", // A call without a key does not compile.
  },
  report: { input: z.object({}), output: z.string(), repeat: "unsafe", timeoutMs: 250 },
  rate: { input: z.string(), output: z.number(), repeat: "safe" },
});

const RESET_MS = 300;

/** Tells it. */
export async function play({ engine, options, say, check }: Stage): Promise<void> {
  await using shop = await connect(engine, { ...options, name: "shop" });
  await using bank = await connect(engine, { ...options, name: "bank" });
  let [charges, reportsStopped, asked, isDown] = [0, 0, 0, false];
  await bank.rpc.serve(Payments, {
    charge({ order, cents }, call) {
      if (cents > 1_000) throw call.fail("CardDeclined", { limit: 1_000 });
      charges += 1;
      return { receipt: `receipt ${charges} for ${order}` };
    },
    async report(_, call) {
      await sleep(60_000, undefined, { signal: call.signal }).finally(() => (reportsStopped += 1));
      return "long";
    },
    rate() {
      asked += 1;
      if (isDown) throw new Error("out of memory");
      return 1.08;
    },
  });
  const policy = breaker({ trip: { consecutive: 3 }, reset: { afterMs: RESET_MS, jitter: 0 } });
  const payments = shop.rpc.client(Payments, { policy });

  const key = "order-7";
  const order = { order: "7", cents: 500 };
  const answers = await Promise.all([1, 2, 3].map(() => payments.charge(order, { key })));
  const receipts = new Set(answers.map(({ receipt }) => receipt));
  say(`order 7 is paid three times with one key: ${[...receipts].join(" | ")}`);
  check("three calls with one key are one charge", charges === 1 && receipts.size === 1);

  const wrong = await failureOf(payments.charge({ order: "8", cents: -5 }, { key: "order-8" }));
  say(`minus five cents: ${told(wrong)}`);
  check("a wrong input is refused before it is sent", isQuorateError(wrong, "INVALID_ARGUMENT"));
  const dear = await failureOf(payments.charge({ order: "9", cents: 5_000 }, { key: "order-9" }));
  const isDeclined = failedWith(Payments, "charge", dear, "CardDeclined");
  say(`too dear: ${told(dear)}${isDeclined ? `, the limit is ${dear.details.data.limit}` : ""}`);
  check("an error of the contract arrives with its data, and nothing happened", isDeclined);

  const beganMs = performance.now();
  const late = await failureOf(payments.report({}));
  const tookMs = Math.round(performance.now() - beganMs);
  for (let waitedMs = 0; reportsStopped === 0 && waitedMs < 2_000; waitedMs += 10) await sleep(10);
  say(`a report that takes a minute: ${told(late)} after ${tookMs} ms`);
  check("the deadline ended it, and nobody knows its effect", effectOf(late) === "unknown");
  check("the handler was stopped, too", reportsStopped === 1);

  isDown = true;
  for (let call = 0; call < 20; call++) await failureOf(payments.rate("EUR"));
  const refusal = await failureOf(payments.rate("EUR"));
  say(`the service is down; of 20 calls it saw ${asked}: ${told(refusal)}`);
  check("three failures in a row opened the breaker, that of the report among them", asked === 2);
  check("and says at once that the others did not happen", effectOf(refusal) === "none");

  isDown = false;
  await sleep(RESET_MS + 50);
  check("the service is back: the breaker tries, and closes", (await payments.rate("EUR")) > 1);
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

function told(error: unknown): string {
  return isQuorateError(error) ? `${error.code}, effect: ${error.effect}` : String(error);
}
