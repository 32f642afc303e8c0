/**
 * A worker process: it runs and recovers sagas on a real server, asks the participants in its
 * parent, and stands still where it is told to. There it is killed.
 */
import { subscribe } from "node:diagnostics_channel";

import { type Backend, isQuorateError, type KvStore, refuse } from "@quorate/core";
import {
  createBarrier,
  createSagas,
  createWorker,
  type Saga,
  saga,
  type SagaControl,
  type TakeoverEvent,
  type TroubleEvent,
} from "@quorate/transaction";

import { connect } from "../idempotency/connect.ts";
import type { Answer, Definition, Halt, Order, OrderInput, Said, Verb } from "./protocol.ts";

const { ENGINE = "", URL: url = "", TILL_URL = "", NAMESPACE = "", LEASE_MS } = process.env;
const STEP_MS = 60_000;

const tell = (said: Said): void => void process.send?.(said);
process.on("unhandledRejection", (reason) => tell({ kind: "unhandled", what: String(reason) }));
process.on("disconnect", () => process.exit());
subscribe("quorate:transaction.takeover", (event) => {
  const { id, from, won } = event as TakeoverEvent;
  halts.taken(id, won);
  tell({ kind: "takeover", id, from, won });
});
subscribe("quorate:transaction.trouble", (event) => {
  const { id, code } = event as TroubleEvent;
  tell({ kind: "trouble", id, code });
});

/** Counts the operations of each saga, and stands still where it should. */
class Halts {
  readonly #halts = new Map<string, Halt>();
  readonly #counts = new Map<string, number>();
  readonly #releases = new Map<string, () => void>();
  readonly #standing = new Set<string>();

  add(halts: readonly Halt[]): void {
    for (const halt of halts) this.#halts.set(halt.id, halt);
  }

  release(id: string): void {
    this.#halts.delete(id);
    this.#standing.delete(id);
    this.#releases.get(id)?.();
  }

  /** A worker that was starved of its lease takes again what it had: it begins to count again. */
  taken(id: string, won: boolean): void {
    if (!this.#standing.has(id)) this.#counts.set(id, won ? 1 : 0);
  }

  async through<T>(id: string, at: string, act: () => Promise<T>): Promise<T> {
    const halt = this.#halts.get(id);
    if (halt === undefined) return act();
    // What it has taken again goes no further than it was.
    if (this.#standing.has(id) && at !== "put") return new Promise(() => {});
    const before = this.#counts.get(id) ?? 0;
    if (halt.before === "next" && before === halt.after) await this.#stand(id, at);
    this.#counts.set(id, before + 1);
    const isLast = halt.before === "answer" && before + 1 === halt.after;
    const answer = act();
    if (isLast) await answer.catch(() => {}).then(() => this.#stand(id, at));
    return answer;
  }

  #stand(id: string, at: string): Promise<void> {
    const released = new Promise<void>((resolve) => void this.#releases.set(id, resolve));
    this.#standing.add(id);
    tell({ kind: "halted", id, at });
    return released;
  }
}

const halts = new Halts();
const log = await connect(ENGINE, url, NAMESPACE);
// The participants are reached by another way than the log.
const till = await connect(ENGINE, TILL_URL, `${NAMESPACE}-till`);
const barrier = createBarrier(till.backend);
const answers = new Map<number, (answer: Answer) => void>();
let calls = 0;

/** A backend whose writes of sagas may stand still. */
function halting(backend: Backend): Backend {
  const { name, leases, bus, capabilities, runtime, kv } = backend;
  const put: KvStore["put"] = (key, value, options) => {
    const [, id = ""] = /^sagas\/(.+)$/.exec(key) ?? [];
    return halts.through(id, "put", () => kv.put(key, value, options));
  };
  return {
    ...{ name, leases, bus, capabilities, runtime },
    kv: {
      put,
      get: (key, options) => kv.get(key, options),
      delete: (key, options) => kv.delete(key, options),
      list: (collection, options) => kv.list(collection, options),
      watch: (prefix, options) => kv.watch(prefix, options),
    },
    ready: () => backend.ready(),
    health: () => backend.health(),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

interface Work {
  readonly id: string;
  readonly key: string;
  readonly fencingToken: number;
  readonly input: OrderInput;
  readonly signal: AbortSignal;
}

/** Asks the participant in the parent. */
async function ask(step: string, operation: "do" | "undo", work: Work): Promise<string> {
  const { id, key, fencingToken, input, signal } = work;
  signal.addEventListener("abort", () => {
    const code = isQuorateError(signal.reason) ? signal.reason.code : String(signal.reason);
    tell({ kind: "aborted", id, step, code });
  });
  calls += 1;
  const call = calls;
  const answer = await new Promise<Answer>((resolve) => {
    answers.set(call, resolve);
    tell({ kind: "call", call, id, step, operation, key, fencingToken, input });
  });
  if (answer.kind === "refused") throw refuse(answer.reason);
  return answer.value;
}

/** The charge is kept twice: by the parent, for its place in the order, and under a barrier. */
async function charge(operation: "do" | "undo", work: Work): Promise<string> {
  const account = barrier.record<number>(`accounts/${work.id}`, { empty: 0 });
  const options = { signal: work.signal };
  if (operation === "do") {
    await account.run(work.key, (cents) => ({ value: cents + 1 }), options);
  } else {
    await account.undo(work.key, (cents) => ({ value: cents - 1 }), options);
  }
  return ask("charge", operation, work);
}

const participant =
  (step: string, operation: "do" | "undo") =>
  (work: Work): Promise<string> =>
    halts.through(work.id, `${step}/${operation}`, () =>
      step === "charge" ? charge(operation, work) : ask(step, operation, work),
    );

function define({ name, pivot }: Definition): Saga<OrderInput, string> {
  const times = { timeoutMs: STEP_MS, retry: { baseMs: 50 }, undoRetry: { baseMs: 50 } };
  const step = (of: string) => ({
    run: participant(of, "do"),
    undo: participant(of, "undo"),
    ...times,
  });
  const begun = saga(name, { version: 1, input: (input: OrderInput) => input })
    .step("reserve", step("reserve"))
    .step("charge", step("charge"));
  const ship = { run: participant("ship", "do"), timeoutMs: STEP_MS, retry: { baseMs: 50 } };
  const ended = pivot ? begun.pivot("ship", ship) : begun.step("ship", step("ship"));
  return ended.returns(({ out }) => out.ship);
}

const backend = halting(log.backend);
const worker = createWorker(backend, {
  leaseMs: Number(LEASE_MS),
  // A takeover that stands still holds up its batch: all in one.
  takeoversPerSecond: 100_000,
});
const sagas = createSagas(backend, { worker });
const definitions = new Map<string, Saga<OrderInput, string>>();

async function run(definition: string, id: string, input: OrderInput): Promise<void> {
  const known = definitions.get(definition);
  if (known === undefined) throw new Error(`${definition} is not served`);
  try {
    tell({ kind: "told", id, how: "done", value: await sagas.run(known, { id, input }) });
  } catch (error) {
    tell({ kind: "told", id, how: isQuorateError(error) ? error.code : String(error) });
  }
}

const says = { by: "ada", why: "a test" };
const VERBS: Record<Verb, (one: SagaControl) => Promise<void>> = {
  cancel: (one) => one.cancel(says),
  resolve: (one) => one.resolve("charge", "resolved", says),
  skip: (one) => one.skip("charge", says),
  "force-compensated": (one) => one.force("compensated", says),
  "force-done": (one) => one.force("done", { ...says, result: "forced" }),
};

async function carryOut(id: string, verb: Verb): Promise<void> {
  try {
    const control = await sagas.get(id);
    if (control === undefined) throw new Error("there is none");
    await VERBS[verb](control);
    tell({ kind: "verb", id, code: "ok" });
  } catch (error) {
    tell({ kind: "verb", id, code: isQuorateError(error) ? error.code : String(error) });
  }
}

function obey(order: Order): void {
  if (order.kind === "halt") halts.add(order.halts);
  else if (order.kind === "release") halts.release(order.id);
  else if (order.kind === "answer") answers.get(order.call)?.(order.answer);
  else if (order.kind === "verb") void carryOut(order.id, order.verb);
  else if (order.kind === "serve") {
    const made = order.definitions.map(define);
    for (const [index, { name }] of order.definitions.entries()) {
      const one = made[index];
      if (one !== undefined) definitions.set(name, one);
    }
    sagas.serve(...made);
  } else for (const { id, input } of order.sagas) void run(order.definition, id, input);
}

process.on("message", (order) => obey(order as Order));
tell({ kind: "ready" });
