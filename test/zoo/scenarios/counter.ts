import { isQuorateError, type KvStore, type QuorateError } from "@quorate/core";
import type { SimProcess, World } from "@quorate/simulator";

import type { Enclosure } from "../enclosure.ts";
import { forEver, insist } from "./persist.ts";
import { stragglingBackend } from "./straggling.ts";

/** What may be in the store: what was acknowledged, and what nobody knows. */
class Ledger {
  readonly #sim: World;
  readonly #may = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #numbers = new Set<number>();
  #greatest = 0;

  constructor(sim: World) {
    this.#sim = sim;
  }

  get greatest(): number {
    return this.#greatest;
  }

  sent(text: string): void {
    this.#may.add(text);
  }

  /** The store has said for certain that it is not there, and never will be. */
  none(text: string): void {
    this.#may.delete(text);
    if (this.#seen.has(text)) this.#sim.fail("what did not happen is not there", `${text} was`);
  }

  applied(text: string): void {
    const number = Number.parseInt(text, 10);
    if (this.#numbers.has(number)) this.#sim.fail("each number is written once", text);
    this.#numbers.add(number);
    this.#greatest = Math.max(this.#greatest, number);
  }

  read(text: string, atLeast: number): void {
    this.#seen.add(text);
    if (text !== "0" && !this.#may.has(text)) {
      this.#sim.fail("what did not happen is not there", `read ${text}`);
    }
    if (Number.parseInt(text, 10) >= atLeast) return;
    this.#sim.fail("what happened stays", `read ${text}, although ${atLeast} was written`);
  }
}

/** Two workers count up by compare-and-set, and settle every doubt before they go on. */
export const counter: Enclosure = {
  name: "counter",
  claim: "what an outcome says is so: applied is there, none never comes, a replay is no conflict",
  durationMs: 30_000,
  atLeast: { counted: 1 },
  world(sim, engine) {
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("worker", {
      count: 2,
      main: async (process) => {
        const straggles = engine === "memory";
        const { kv } = straggles
          ? stragglingBackend(sim, store, process, 1_000)
          : store.backend(process, { requestTimeoutMs: 1_000 });
        await forEver(process, 50, () => countUp(process, kv, ledger, sim));
      },
    });
  },
};

async function countUp(
  process: SimProcess,
  kv: KvStore,
  ledger: Ledger,
  sim: World,
): Promise<void> {
  const atLeast = ledger.greatest;
  const entry = await kv.get("counter");
  const text = entry === undefined ? "0" : Buffer.from(entry.value).toString();
  ledger.read(text, atLeast);
  const operationId = process.runtime.ids.operation();
  const next = `${Number.parseInt(text, 10) + 1} by ${operationId}`;
  const put = async (): Promise<boolean> => {
    const result = await kv.put("counter", next, {
      expect: entry?.revision ?? "absent",
      operationId,
    });
    if (!result.ok && Buffer.from(result.current?.value ?? "").toString() === next) {
      sim.fail("a replay is no conflict", `${next} was told to be somebody else's`);
    }
    return result.ok;
  };
  ledger.sent(next);
  let doubt: QuorateError;
  try {
    if (await put()) {
      process.mark("counted");
      ledger.applied(next);
    } else ledger.none(next);
    return;
  } catch (error) {
    if (!isQuorateError(error)) throw error;
    if (error.effect === "none") return ledger.none(next);
    doubt = error;
  }
  if (process.runtime.random.next() < 0.3) {
    // Asked for again. A refusal now does not say what became of the first one.
    if (await insist(process, put)) ledger.applied(next);
    return;
  }
  const { resolve } = doubt;
  if (resolve === undefined) return;
  const fate = await insist(process, () => resolve());
  process.mark(`resolved ${fate}`);
  if (fate === "applied") ledger.applied(next);
  if (fate === "none") ledger.none(next);
}
