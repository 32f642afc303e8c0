/**
 * One customer, twenty clicks, a crash in the middle: one charge.
 *
 * Two doors of a shop take orders over HTTP. A customer's order comes twenty times at once, with
 * one idempotency key. The door that has it in hand is killed after the bank has taken the money,
 * and before anybody was told. The others wait for its lease to end, one of them asks the bank
 * again, with the same key, and all twenty get the same answer.
 *
 * The middleware alone promises one answer. That there is one charge, too, takes the bank: the
 * handler passes the key on, and the bank knows it again.
 */
import { connect } from "quorate";
import { deferred } from "quorate/core";
import { expressIdempotency, fetchWithIdempotency, idempotencyOf } from "quorate/http";
import type { Player, Stage } from "../shared/example.ts";
import { listen, type Listening } from "../shared/listen.ts";

const CLICKS = 20;

/** A door: takes orders, and has the bank charge them. Tells its address. */
export async function door(self: Player<string>): Promise<{ close(): Promise<void> }> {
  const q = await connect(self.engine, { ...self.options, once: { leaseMs: 1_000 } });
  const idempotent = expressIdempotency({
    idempotency: q.once,
    scope: (request) => String(request.headers["x-customer"]), // Better: what you authenticated.
  });
  const bank = self.note;
  const http = await listen((request, response) => {
    const charge = async (): Promise<void> => {
      const headers = { "idempotency-key": idempotencyOf(request)?.key ?? "" };
      const receipt = await fetch(bank, { method: "POST", headers });
      response.writeHead(201).end(`${await receipt.text()} for ${request.url}`);
    };
    idempotent(request, response, () => {
      charge().catch(() => response.destroy());
    });
  }, self.killed);
  await self.tell(http.url);
  return {
    async close() {
      await http.close();
      await q.close();
    },
  };
}

interface Bank extends Listening {
  requests: number;
  readonly receipts: Set<string>;
}

/** The bank, which is somebody else's: a key it has seen before is not charged again. */
async function openBank(onCharge: () => void): Promise<Bank> {
  const receipts = new Map<string, string>();
  const http = await listen((request, response) => {
    bank.requests += 1;
    const key = String(request.headers["idempotency-key"]);
    const receipt = receipts.get(key) ?? `receipt ${receipts.size + 1}`;
    receipts.set(key, receipt);
    bank.receipts.add(receipt);
    // The first answer is on its way for ever: whoever asked is killed before it comes.
    if (bank.requests === 1) onCharge();
    else response.end(receipt);
  });
  const bank = { ...http, requests: 0, receipts: new Set<string>() };
  return bank;
}

/** Tells it. */
export async function play({ start, say, check }: Stage): Promise<void> {
  const charged = deferred<void>();
  const bank = await openBank(() => charged.resolve());
  const urls: string[] = [];
  const doors = await Promise.all(
    ["door-1", "door-2"].map((name, index) =>
      start(door, name, { note: bank.url, hear: (url: string) => void (urls[index] = url) }),
    ),
  );

  let isDown = false; // What a load balancer's health check knows.
  const knock = (_: string | URL, init?: RequestInit): Promise<Response> =>
    fetch(`${urls[isDown ? 1 : 0]}/orders/7`, init);
  const click = fetchWithIdempotency(knock, {
    attempts: 50,
    backoffMs: 50,
    maxBackoffMs: 200,
    budget: false, // They stand for many customers.
  });
  const order = { method: "POST", idempotencyKey: "cart-7", headers: { "x-customer": "ada" } };
  const answers = Promise.all(
    Array.from({ length: CLICKS }, async () => {
      const response = await click("http://shop/orders/7", order);
      const isReplay = response.headers.get("idempotent-replayed") === "true";
      return { status: response.status, text: await response.text(), isReplay };
    }),
  );
  say(`order 7 is sent ${CLICKS} times at once, with the key "cart-7"`);

  await charged.promise;
  await doors[0]?.kill();
  isDown = true;
  say("the bank has taken the money; door-1 is killed before it learns of it");

  const told = await answers;
  const texts = new Set(told.map(({ status, text }) => `${status}: ${text}`));
  say(`door-2 answers: ${[...texts].join(" | ")}`);
  check(`the bank was asked ${bank.requests} times, and charged once`, isOneCharge(bank));
  check(`all ${CLICKS} clicks got the same answer`, texts.size === 1 && told[0]?.status === 201);
  const replays = told.filter(({ isReplay }) => isReplay).length;
  check(`one of them ran, ${replays} were replayed`, replays === CLICKS - 1);
  await doors[1]?.close();
  await bank.close();
}

function isOneCharge({ requests, receipts }: Bank): boolean {
  return requests === 2 && receipts.size === 1;
}
