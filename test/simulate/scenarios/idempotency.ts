import { isQuorateError, refuse } from "@quorate/core";
import {
  type ClaimedEvent,
  createIdempotency,
  type Idempotency,
  type RunOptions,
  type WorkContext,
} from "@quorate/idempotency";
import type { SimProcess, World } from "@quorate/simulator";

import { DURATION_MS, KEEPING, type Scenario, TTL_MS, WAIT_MS, Workers } from "../scenario.ts";

/** Longer than a run of any length: answers do not expire in it. */
const KEPT_MS = 86_400_000;

/** Keys are in use for this long, so that they are met fresh, running and answered. */
const FASHION_MS = 4_000;
const KEYS_IN_FASHION = 2;
const MAX_RECALLED = 4;

/** One operation: what its users mean by a key. */
interface Operation {
  readonly scope: string;
  readonly key: string;
  readonly request: string;
}

/** Who asks what. */
type Question = Pick<Operation, "scope" | "request">;

/** What work makes of it; and by whose run. */
interface Result extends Question {
  readonly token: number;
}

/** Fails for no reason that the protocol should know of. */
class Mishap extends Error {}

/**
 * What nobody in the world can see at once: all runs of a key, the resource that they write to, and
 * what callers were told.
 */
class Ledger {
  readonly #sim: World;
  readonly #runs = new Map<string, { begun: number; newest: number }>();
  /** A resource that refuses smaller tokens. */
  readonly #resource = new Map<string, number>();
  readonly #announced = new Map<string, string>();
  readonly #requests = new Map<string, Set<string>>();

  constructor(sim: World) {
    this.#sim = sim;
    sim.on("idempotency.claimed", (event) => {
      const { key, scope, fencingToken } = event as ClaimedEvent;
      const runs = this.#of(`${scope}/${key}`);
      runs.newest = Math.max(runs.newest, fencingToken);
    });
  }

  ask(id: string, request: string): void {
    const requests = this.#requests.get(id);
    if (requests === undefined) this.#requests.set(id, new Set([request]));
    else requests.add(request);
  }

  /** `result` was told to somebody who had asked `asked`. */
  compare(asked: Question, result: Result): void {
    if (result.scope === asked.scope && result.request === asked.request) return;
    const what = `asked ${JSON.stringify(asked)}, told ${JSON.stringify(result)}`;
    this.#sim.fail("an answer goes to its own question", what);
  }

  /** A caller was told that the key is another request's. */
  mismatch(id: string): void {
    if ((this.#requests.get(id)?.size ?? 0) > 1) return;
    this.#sim.fail("a repeat is not another request", `${id} has one request only`);
  }

  begin(id: string, { takeover }: WorkContext): void {
    const runs = this.#of(id);
    if (runs.begun > 0 && !takeover) {
      this.#sim.fail("a run is told of those before it", `${id} had ${runs.begun}`);
    }
    runs.begun += 1;
    if (runs.begun > 1) this.#sim.mark("ran again");
  }

  /** The effect: refused below the highest token, as a guard does. */
  write(id: string, token: number): boolean {
    if (token < (this.#resource.get(id) ?? 0)) {
      this.#sim.mark("late effect refused");
      return false;
    }
    if (this.#announced.has(id) && token !== this.#resource.get(id)) {
      this.#sim.fail("effects are applied once", `${id} changed after its answer was announced`);
    }
    this.#resource.set(id, token);
    return true;
  }

  /** `answer` was told to a caller; `token`: of the run that made it. */
  announce(id: string, answer: string, token: number): void {
    const before = this.#announced.get(id);
    if (before !== undefined && before !== answer) {
      this.#sim.fail("one answer per key", `${id}: ${before}, then ${answer}`);
    }
    if (before === undefined && token < this.#of(id).newest) {
      this.#sim.fail("a superseded run announces nothing", `${id}: ${token} was superseded`);
    }
    this.#announced.set(id, answer);
    if (this.#resource.get(id) === token) return;
    this.#sim.fail("effects are applied once", `${id} was answered by ${token}, not applied`);
  }

  #of(id: string): { begun: number; newest: number } {
    let runs = this.#runs.get(id);
    if (runs === undefined) this.#runs.set(id, (runs = { begun: 0, newest: 0 }));
    return runs;
  }
}

/** Four workers call operations by keys that they share, twice at once now and then. */
export const idempotency: Scenario = {
  name: "idempotency",
  claim: "one answer of a key is announced, by no superseded run, and its effect is applied once",
  durationMs: DURATION_MS,
  engines: ["memory", "redis", "nats"],
  profiles: KEEPING,
  atLeast: { answered: 5 },
  world(sim, engine) {
    const workers = new Workers(sim);
    const store = sim.store("store", { engine });
    const ledger = new Ledger(sim);
    sim.process("worker", {
      count: 4,
      main: async (process) => {
        const { random } = process.runtime;
        const caller = new Caller(process, ledger, {
          idempotency: createIdempotency(store.backend(process), {
            ttlMs: KEPT_MS,
            leaseMs: TTL_MS,
            waitMs: WAIT_MS,
            concurrent: random.next() < 0.8 ? "wait" : "reject",
            ...(random.next() < 0.3 ? { localCache: { max: MAX_RECALLED } } : {}),
          }),
        });
        await workers.forEver(process, () => caller.callSomething(sim.nowMs));
      },
    });
  },
};

/** One process's calls. */
class Caller {
  readonly #process: SimProcess;
  readonly #ledger: Ledger;
  readonly #idempotency: Idempotency;
  #recent: Operation[] = [];

  constructor(process: SimProcess, ledger: Ledger, by: { readonly idempotency: Idempotency }) {
    this.#process = process;
    this.#ledger = ledger;
    this.#idempotency = by.idempotency;
  }

  /** A call of what is in fashion, or of something of old; at times twice at once. */
  async callSomething(nowMs: number): Promise<void> {
    const { random } = this.#process.runtime;
    const operation = this.#pick(nowMs);
    const calls = [this.#call(operation)];
    const request = random.next() < 0.8 ? operation.request : "pay 500";
    if (random.next() < 0.2) calls.push(this.#callSoon({ ...operation, request }));
    const settled = await Promise.allSettled(calls);
    for (const one of settled) if (one.status === "rejected") throw one.reason;
  }

  /** When the first may be running. */
  async #callSoon(operation: Operation): Promise<void> {
    await this.#process.sleep(200 * this.#process.runtime.random.next());
    await this.#call(operation);
  }

  #pick(nowMs: number): Operation {
    const { random } = this.#process.runtime;
    const recalled = this.#recent[Math.floor(random.next() * 2 * MAX_RECALLED)];
    if (recalled !== undefined) return recalled;
    const fashion = Math.floor(nowMs / FASHION_MS);
    const key = `order-${fashion}-${Math.floor(random.next() * KEYS_IN_FASHION)}`;
    const scope = random.next() < 0.8 ? "alice" : "bob";
    const operation = { scope, key, request: random.next() < 0.9 ? "pay 5" : "pay 50" };
    this.#recent = [operation, ...this.#recent].slice(0, MAX_RECALLED);
    return operation;
  }

  async #call({ scope, key, request }: Operation): Promise<void> {
    const id = `${scope}/${key}`;
    // The work changes it: what was asked is what it was when it was asked.
    const asked = { request };
    const options: RunOptions = { scope, fingerprint: asked };
    this.#ledger.ask(id, request);
    try {
      const work = (context: WorkContext): Promise<Result> => {
        Object.assign(asked, { token: context.fencingToken });
        return this.#work({ scope, key, request }, context);
      };
      const answer = await this.#idempotency.runDetailed(key, work, options);
      const { value } = answer;
      this.#heard(id, { scope, request }, value, JSON.stringify(value));
      this.#process.mark(answer.replayed ? "replayed" : "answered first");
    } catch (error) {
      if (isQuorateError(error, "REFUSED")) {
        const result = error.details.data as unknown as Result;
        this.#heard(id, { scope, request }, result, `refused ${JSON.stringify(result)}`);
        this.#process.mark("refused");
      } else if (error instanceof Mishap) this.#process.mark("mishap");
      else {
        if (isQuorateError(error, "IDEMPOTENCY_MISMATCH")) this.#ledger.mismatch(id);
        throw error;
      }
    }
    this.#process.mark("answered");
  }

  #heard(id: string, asked: Question, result: Result, answer: string): void {
    this.#ledger.compare(asked, result);
    this.#ledger.announce(id, answer, result.token);
  }

  async #work({ scope, key, request }: Operation, context: WorkContext): Promise<Result> {
    const { random } = this.#process.runtime;
    const id = `${scope}/${key}`;
    const { fencingToken: token } = context;
    this.#ledger.begin(id, context);
    this.#process.mark("ran");
    // Some take longer than the lease, and one in ten does not look at its signal.
    const workMs = random.next() < 0.1 ? 2 * TTL_MS * random.next() : 400 * random.next();
    await this.#process.sleep(workMs);
    if (random.next() < 0.9) context.signal.throwIfAborted();
    const applied = this.#ledger.write(id, token);
    await this.#process.sleep(100 * random.next());
    if (random.next() < 0.05) throw new Mishap();
    const result = { scope, request, token };
    if (applied && random.next() < 0.1) throw refuse("not today", { ...result });
    return result;
  }
}
