/**
 * rpc: calls of three kinds between processes that die, stall and lose their links.
 *
 * Seen from above: which call ran how often, whatever its caller was told, and what each key came
 * to at a resource that takes a key once.
 */
import { isQuorateError } from "@quorate/core";
import { type Client, client, contract, serve } from "@quorate/rpc";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, Workers } from "../scenario.ts";

const text = (value: unknown): string => String(value);
const errors = { NotToday: text };
const Orders = contract("orders", "1.0.0", {
  send: { input: text, output: text, errors, timeoutMs: 2_000 },
  read: { input: text, output: text, repeat: "safe", timeoutMs: 4_000, attemptTimeoutMs: 1_000 },
  pay: {
    ...{ input: text, output: text, errors },
    ...{ repeat: "keyed", timeoutMs: 8_000, attemptTimeoutMs: 2_500 },
  },
});

/** A client's own breaker stays open for up to half a minute after its last trouble. */
const RECOVERY_MS = 90_000;

/** Handlers fail for no reason that the protocol should know of. */
class Mishap extends Error {}

/** Three servers, three clients. */
export const rpc: Scenario = {
  name: "rpc",
  claim: "unsafe calls run at most once, keys have one answer, and no error lies about its call",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { answered: 5 },
  world(sim, engine) {
    const workers = new Workers(sim, RECOVERY_MS);
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("server", {
      count: 3,
      main: (process) => keepServing(process, () => store.backend(process), ledger),
    });
    sim.process("client", {
      count: 3,
      main: async (process) => {
        const orders = client(store.backend(process), Orders);
        const caller = new Caller(process, orders, ledger);
        await workers.forEver(process, () => caller.callSomething());
      },
    });
  },
};

/** What nobody in the world can see at once. */
class Ledger {
  readonly #sim: World;
  readonly #runs = new Map<string, number>();
  readonly #toldNone = new Set<string>();
  readonly #answers = new Map<string, string>();
  readonly #taken = new Map<string, string>();

  constructor(sim: World) {
    this.#sim = sim;
  }

  /** The handler of `call` has its effect. */
  ran(call: string, kind: "send" | "read" | "pay"): void {
    const runs = (this.#runs.get(call) ?? 0) + 1;
    this.#runs.set(call, runs);
    if (kind === "send" && runs > 1) {
      this.#sim.fail("an unsafe call runs at most once", `${call} ran ${runs} times`);
    }
    this.#compare(call);
  }

  /** The resource behind `pay`: what the key's first run left there. */
  take(key: string, offered: string): string {
    const taken = this.#taken.get(key);
    if (taken === undefined) this.#taken.set(key, offered);
    return taken ?? offered;
  }

  answered(call: string, answer: string): void {
    if (!this.#runs.has(call)) this.#sim.fail("what was answered ran", `${call} did not run`);
    const before = this.#answers.get(call);
    if (before !== undefined && before !== answer) {
      this.#sim.fail("a key has one answer", `${call}: ${before}, then ${answer}`);
    }
    this.#answers.set(call, answer);
  }

  /** No attempt at `call` has happened, its caller was told. */
  toldNone(call: string): void {
    this.#toldNone.add(call);
    this.#compare(call);
  }

  /** Whatever was told before is of the past. */
  askedAgain(call: string): void {
    this.#toldNone.delete(call);
  }

  toldApplied(call: string): void {
    if (!this.#runs.has(call)) this.#sim.fail("applied is applied", `${call} did not run`);
  }

  #compare(call: string): void {
    if (!this.#toldNone.has(call) || !this.#runs.has(call)) return;
    this.#sim.fail("none is none", `${call} was told not to have happened, and ran`);
  }
}

/** Serves for ever; what it could not subscribe to it tries again. */
async function keepServing(
  process: SimProcess,
  backendOf: () => Parameters<typeof serve>[0],
  ledger: Ledger,
): Promise<void> {
  const { random } = process.runtime;
  const backend = backendOf();
  const handle =
    (kind: "send" | "read" | "pay") =>
    async (
      input: string,
      call: { readonly key: string | undefined; fail?(name: "NotToday", data: string): Error },
    ): Promise<string> => {
      await process.sleep(random.next() < 0.1 ? 3_000 * random.next() : 300 * random.next());
      // By the input, so that a second run says what the first would have said.
      if (input.endsWith("7") && call.fail !== undefined) throw call.fail("NotToday", input);
      ledger.ran(input, kind);
      const answer = kind === "pay" ? ledger.take(input, `${input} by ${process.name}`) : input;
      await process.sleep(50 * random.next());
      if (random.next() < 0.05) throw new Mishap();
      return answer;
    };
  for (;;) {
    try {
      const server = await serve(backend, Orders, {
        send: handle("send"),
        read: handle("read"),
        pay: handle("pay"),
      });
      process.mark("serving");
      // Now and then it drains and begins anew, as in a rolling restart.
      await process.sleep(5_000 + 20_000 * random.next());
      await server.close({ graceMs: 500 });
      process.mark("drained");
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      await process.sleep(200);
    }
  }
}

/** One process's calls. */
class Caller {
  readonly #process: SimProcess;
  readonly #orders: Client<typeof Orders>;
  readonly #ledger: Ledger;
  #count = 0;
  /** A key whose answer is still wanted, or was had already. */
  #old: string | undefined;

  constructor(process: SimProcess, orders: Client<typeof Orders>, ledger: Ledger) {
    this.#process = process;
    this.#orders = orders;
    this.#ledger = ledger;
  }

  async callSomething(): Promise<void> {
    const { random } = this.#process.runtime;
    const dice = random.next();
    const { incarnation, name } = this.#process;
    const tag = `${name}.${incarnation}.${++this.#count}`;
    if (dice < 0.4) return this.#call(tag, () => this.#orders.send(tag));
    if (dice < 0.6) return this.#call(tag, () => this.#orders.read(tag));
    const again = random.next() < 0.5 ? this.#old : undefined;
    const key = again ?? tag;
    this.#ledger.askedAgain(key);
    this.#old = key;
    await this.#call(key, () => this.#orders.pay(key, { key }), again !== undefined);
  }

  async #call(tag: string, call: () => Promise<string>, isRepeat = false): Promise<void> {
    try {
      const answer = await call();
      this.#ledger.answered(tag, answer);
      if (!answer.startsWith(tag)) throw new Error(`${tag} was answered with ${answer}`);
      this.#process.mark("answered");
    } catch (error) {
      if (!isQuorateError(error)) throw error;
      // Of a key that was asked for before, `none` speaks of this repeat alone.
      if (error.effect === "none" && !isRepeat) this.#ledger.toldNone(tag);
      if (error.effect === "applied") this.#ledger.toldApplied(tag);
      this.#process.mark(`told ${error.code} ${error.effect}`);
      if (!isQuorateError(error, "REFUSED")) throw error;
    }
  }
}
