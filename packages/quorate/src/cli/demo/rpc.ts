/**
 * `demo rpc`: calls over three servers, one of which is killed in the middle of its work; each
 * order is charged once, and every failure says whether it happened.
 */
import { effectOf, isQuorateError, type Ms, sleep } from "@quorate/core";
import { type Client, contract } from "@quorate/rpc";
import type { Actor, Claim, Demo, Stage, Word } from "./story.ts";

const SERVERS = ["pod-1", "pod-2", "pod-3"];
const VICTIM = "pod-2";
/** The charge of its life at which it dies. */
const FATAL = 3;
const ORDERS = 30;
const LEASE_MS: Ms = 1_000;
const TIMEOUT_MS: Ms = 1_500;
const AGAIN_MS: Ms = 200;
const MOST_TRIES = 25;

const text = (value: unknown): string => {
  if (typeof value === "string") return value;
  throw new TypeError("a string is needed");
};

const Payments = contract("payments", "1.0.0", {
  charge: { input: text, output: text, repeat: "keyed", timeoutMs: TIMEOUT_MS },
});

/** The demo. */
export const rpcDemo: Demo = {
  name: "rpc",
  summary: "thirty payments over three servers, one of them killed at work: each charged once",
  next: "quorate doctor --redis localhost",
  options: { discovery: { ttlMs: LEASE_MS }, once: { leaseMs: LEASE_MS } },

  async role(pod) {
    const charge = async (order: string): Promise<string> => text(await pod.ask("charge", order));
    const { once: idempotency } = pod.q;
    await pod.q.rpc.serve(Payments, { charge }, { idempotency });
    await pod.ask("open");
    await pod.dismissed;
  },

  async tell(stage): Promise<readonly Claim[]> {
    const bank = new Bank(stage);
    await bank.open();
    // Left to itself the client repeats what has a key; here we do, to see why.
    const client = stage.q.rpc.client(Payments, { tries: 1 });
    await stage.until("the servers in the registry", serversFound(stage));
    const orders = Array.from({ length: ORDERS }, (_, index) => `order-${index + 1}`);
    const failures: Failure[] = [];
    const receipts = await stage.until(
      "all payments",
      Promise.all(orders.map((order) => pay(stage, client, order, failures))),
    );
    for (const { order, code, effect } of failures.slice(0, 5)) {
      stage.say(`${order}  ${code}, effect ${effect}: asked again with its key`);
    }
    stage.say(`${receipts.length} receipts; ${failures.length} calls failed, and were repeated`);
    await bank.close();
    const { asked, fatal } = bank;
    const atVictim = (order: string): boolean => asked.get(order)?.[0] === VICTIM;
    const told = failures.find(({ order }) => order === fatal);
    return [
      { claim: "every order has its receipt", isKept: receipts.every((one) => one !== undefined) },
      {
        claim: "every order reached the bank, and only those of the killed server came again",
        isKept: orders.every((order) => asked.get(order)?.length === 1 || atVictim(order)),
      },
      {
        claim: "who called the killed server was told that it may have happened",
        isKept: told?.effect === "unknown",
      },
    ];
  },
};

interface Failure {
  readonly order: string;
  readonly code: string;
  readonly effect: string;
}

/** Pays `order`, again and again under one key, until there is a receipt. */
async function pay(
  stage: Stage,
  client: Client<typeof Payments>,
  order: string,
  failures: Failure[],
): Promise<string | undefined> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    try {
      return text(await client.charge(order, { key: order }));
    } catch (error) {
      const code = isQuorateError(error) ? error.code : "a foreign error";
      failures.push({ order, code, effect: effectOf(error) ?? "unknown" });
      await sleep(stage.runtime, AGAIN_MS);
    }
  }
  return undefined;
}

async function serversFound(stage: Stage): Promise<void> {
  for await (const { endpoints } of stage.q.discovery.service("payments").watch()) {
    if (endpoints.length === SERVERS.length) return;
  }
}

/** The bank: charges once per order, and keeps who asked. */
class Bank {
  /** By order: the servers that asked for its charge. */
  readonly asked = new Map<string, string[]>();
  /** The order that was at the killed server. */
  fatal: string | undefined;
  readonly #stage: Stage;
  readonly #servers = new Map<string, Actor>();
  #victims = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async open(): Promise<void> {
    this.#stage.answer((who, what, word) => this.#answer(who, what, word));
    const servers = await Promise.all(SERVERS.map((name) => this.#stage.start(name)));
    for (const server of servers) this.#servers.set(server.name, server);
    this.#stage.say(`${SERVERS.join(", ")} serve payments v1`);
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) await server.dismiss();
  }

  async #answer(who: string, what: string, word: Word): Promise<Word> {
    if (what !== "charge") return null;
    const order = text(word);
    const before = this.asked.get(order) ?? [];
    this.asked.set(order, [...before, who]);
    if (who === VICTIM) this.#victims += 1;
    if (who === VICTIM && this.#victims === FATAL) {
      this.fatal = order;
      this.#stage.say(`${who}  charges ${order}…  ✗ kill -9 ${who}, before it can answer`);
      await this.#servers.get(who)?.kill();
      this.#servers.delete(who);
      return null;
    }
    if (before.length > 0) {
      this.#stage.say(`${who}  ${order} again: charged already, the receipt is repeated`);
    }
    return `receipt for ${order}`;
  }
}
