/**
 * kv: every answer fits one order of all operations, also those whose outcome was unknown.
 */
import {
  isQuorateError,
  type Json,
  type KvStore,
  type Resolution,
  type Revision,
} from "@quorate/core";
import {
  type Model,
  type RecordedProcess,
  revisionRegister,
  type RevisionState,
  type SimProcess,
} from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, Workers } from "../scenario.ts";

const KEYS = ["config/a", "config/b", "config/c"];

/** Longest rest between two operations of a client: the checker has to look at all of them. */
const REST_MS = 600;

/** Four clients get, put, compare-and-set and delete three keys. */
export const kv: Scenario = {
  name: "kv",
  claim: "kv is linearizable, its revisions grow, and what it says of unknown outcomes is so",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { answered: 20 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const history = sim.history("kv", withResolved());
    sim.process("client", {
      count: 4,
      main: async (process) => {
        const client = new Client(process, store.backend(process).kv, {
          recorded: history.process(`${process.name}.${process.incarnation}`),
        });
        await workers.forEver(process, () => client.doSomething());
      },
    });
  },
};

/**
 * The model of a kv, and one word more: a put that was found to have happened has the result
 * `true`, since nobody was told its revision.
 */
function withResolved(): Model<RevisionState> {
  const plain = revisionRegister();
  return {
    ...plain,
    step: (state, operation) =>
      operation.f === "put" && operation.result === true
        ? plain.step(state, { ...operation, result: null, outcome: "unknown" })
        : plain.step(state, operation),
  };
}

/** What one process knows, and does next. */
class Client {
  readonly #process: SimProcess;
  readonly #kv: KvStore;
  readonly #recorded: RecordedProcess;
  readonly #known = new Map<string, Revision | "absent">();
  #writes = 0;

  constructor(process: SimProcess, store: KvStore, by: { readonly recorded: RecordedProcess }) {
    this.#process = process;
    this.#kv = store;
    this.#recorded = by.recorded;
  }

  async doSomething(): Promise<void> {
    const { random } = this.#process.runtime;
    await this.#process.sleep(random.next() * REST_MS);
    const key = KEYS[Math.floor(random.next() * KEYS.length)] ?? "";
    const known = random.next() < 0.6 ? this.#known.get(key) : undefined;
    const dice = random.next();
    if (dice < 0.35) await this.#get(key);
    else if (dice < 0.85) await this.#put(key, known);
    else await this.#delete(key, known === "absent" ? undefined : known);
    this.#process.mark("answered");
  }

  #get(key: string): Promise<void> {
    return this.#record({ f: "get", k: key }, async () => {
      const entry = await this.#kv.get(key);
      this.#known.set(key, entry?.revision ?? "absent");
      if (entry === undefined) return null;
      return { value: Buffer.from(entry.value).toString(), revision: entry.revision };
    });
  }

  #put(key: string, expect: Revision | "absent" | undefined): Promise<void> {
    this.#writes += 1;
    const value = `${this.#process.name}.${this.#process.incarnation}.${this.#writes}`;
    const condition = expect === undefined ? {} : { expect };
    return this.#record({ f: "put", k: key, v: { value, ...condition } }, async () => {
      const put = await this.#kv.put(key, value, condition);
      const entry = put.ok ? put.entry : put.current;
      this.#known.set(key, entry?.revision ?? "absent");
      this.#process.mark(put.ok ? "put" : "put refused");
      return put.ok ? put.entry.revision : false;
    });
  }

  #delete(key: string, expect: Revision | undefined): Promise<void> {
    const condition = expect === undefined ? {} : { expect };
    return this.#record({ f: "delete", k: key, v: condition }, async () => {
      const { ok } = await this.#kv.delete(key, condition);
      this.#known.set(key, "absent");
      return ok;
    });
  }

  /** Records a call to its true end: an unknown outcome is asked after, then written down. */
  async #record(
    invocation: { readonly f: string; readonly k: string; readonly v?: Json },
    call: () => Promise<Json>,
  ): Promise<void> {
    const operation = this.#recorded.invoke(invocation);
    try {
      operation.ok(await call());
    } catch (error) {
      const fate = await fateOf(error);
      if (fate === "none") operation.fail();
      else if (fate === "applied") operation.ok(true);
      else operation.unknown();
      if (isQuorateError(error, "OUTCOME_UNKNOWN")) this.#process.mark(`resolved ${fate}`);
      throw error;
    }
  }
}

async function fateOf(error: unknown): Promise<Resolution> {
  if (!isQuorateError(error)) return "unknown";
  if (error.effect === "none") return "none";
  // What cannot be asked after stays unknown.
  return (await error.resolve?.().catch(() => undefined)) ?? "unknown";
}
