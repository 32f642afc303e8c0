/**
 * One run: real clients and real servers, in a world where what happens next is a choice.
 *
 * Promises settle until everybody waits. Then what may happen is listed, the same list for the same
 * choices before: deliver a parcel, let a handler have its effect, or, at the price of a fault,
 * something worse. The schedule says which; beyond its end it is always the first. Where nothing
 * else can happen, time passes to the next timer.
 */
import type { Backend } from "@quorate/core";
import { balance } from "@quorate/discovery";
import type { Endpoint, ServiceSnapshot, ServiceView } from "@quorate/discovery";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";
import { type Client, client, contract, serve } from "@quorate/rpc";
import type { Drain } from "../../../packages/transaction/src/explore/drain.ts";
import { Timeline } from "../../../packages/transaction/src/explore/timeline.ts";
import { judged, KEY, type MadeCall, type Outcome } from "./judge.ts";
import type { Fault, Kind, Plan } from "./plan.ts";
import { type Node, type Parcel, Wire } from "./wire.ts";

/** What may happen next. */
export interface Action {
  readonly words: string;
  readonly fault: Fault | undefined;
  readonly perform: () => void;
}

/** What a run came to. */
export interface Run {
  readonly violation: string | undefined;
  /** How many choices there were at each point after the schedule's end, and which cost a fault. */
  readonly choices: readonly (readonly boolean[])[];
  readonly story: readonly string[];
}

const text = (value: unknown): string => String(value);
const Model = contract("model", "1.0.0", {
  unsafe: { input: text, output: text, timeoutMs: 1_000 },
  safe: { input: text, output: text, repeat: "safe", timeoutMs: 3_000, attemptTimeoutMs: 900 },
  keyed: { input: text, output: text, repeat: "keyed", timeoutMs: 20_000, attemptTimeoutMs: 6_000 },
});

/** Longest run; beyond it something goes round in circles. */
const MAX_POINTS = 200;
const MAX_TIMERS = 5_000;
/** As often a patient program asks again with its key. */
const MAX_ASKED = 5;

/** A handler before its effect. */
interface AtGate {
  readonly node: Node;
  readonly words: string;
  readonly effect: () => void;
  readonly finish: (error?: Error) => void;
}

interface Caller {
  readonly node: Node;
  readonly life: Client<typeof Model>;
  giveUp: AbortController | undefined;
  isDone: boolean;
  current: MadeCall | undefined;
}

/** Runs one schedule: the number of the action at each choice point. */
export async function run(plan: Plan, schedule: readonly number[], drain: Drain): Promise<Run> {
  const world = new World(plan, drain);
  await world.start();
  return world.play(schedule);
}

class World {
  readonly #plan: Plan;
  readonly #drain: Drain;
  readonly #timeline = new Timeline();
  readonly #wire = new Wire();
  readonly #store = createMemoryStore({
    runtime: this.#timeline.runtimeOf(nodeOf("store"), "store"),
  });
  readonly #links = new Map<Node, MemoryBackend>();
  readonly #servers: Node[] = [];
  readonly #callers: Caller[] = [];
  readonly #views: View[] = [];
  readonly #calls: MadeCall[] = [];
  readonly #keys = new Map<string, number>();
  readonly #gates: AtGate[] = [];
  readonly #story: string[] = [];
  #excuses = 0;

  constructor(plan: Plan, drain: Drain) {
    this.#plan = plan;
    this.#drain = drain;
  }

  async start(): Promise<void> {
    for (let index = 0; index < this.#plan.servers; index++) {
      const node = nodeOf(`server${index + 1}`);
      this.#servers.push(node);
      const serving = serve(this.#backendOf(node), Model, this.#handlersOf(node), {
        id: node.name,
        orphans: "finish",
      });
      await Promise.all([serving, this.#drain.turn()]);
    }
    for (const [index, kinds] of this.#plan.clients.entries()) this.#startCaller(index, kinds);
  }

  async play(schedule: readonly number[]): Promise<Run> {
    const choices: boolean[][] = [];
    for (let point = 0; point < MAX_POINTS;) {
      await this.#drain.turn();
      const actions = this.#actions();
      const isFree = actions.some(({ fault }) => fault === undefined);
      if (!isFree && this.#isOver) break;
      if (!isFree && !this.#timeline.step(Infinity)) break;
      if (!isFree) continue;
      const choice = schedule[point] ?? 0;
      if (point >= schedule.length) choices.push(actions.map(({ fault }) => fault !== undefined));
      const action = actions[choice];
      if (action === undefined) throw new Error(`no choice ${choice} at ${point}: not repeatable`);
      this.#story.push(`${this.#timeline.nowMs} ms  ${action.words}`);
      action.perform();
      point += 1;
    }
    const isAlive = ({ tag }: MadeCall): boolean =>
      this.#callers.some(({ node }) => node.state === "live" && tag.startsWith(node.name));
    const isServed = this.#servers.some(isLive);
    const facts = { calls: this.#calls, keys: this.#keys, excuses: this.#excuses };
    const violation = judged({ ...facts, isAlive, isServed });
    return { violation, choices, story: this.#story };
  }

  get #isOver(): boolean {
    return this.#callers.every(({ node, isDone }) => isDone || node.state === "dead");
  }

  /** Free ones first. */
  #actions(): Action[] {
    const actions: Action[] = [];
    const may = (fault: Fault): boolean => this.#plan.faults.includes(fault);
    const add = (words: string, perform: () => void, fault?: Fault): void => {
      if (fault === undefined || may(fault)) actions.push({ words, perform, fault });
    };
    for (const parcel of this.#wire.parcels) this.#offerDelivery(parcel, add);
    for (const gate of this.#gates) {
      add(`${gate.node.name} runs ${gate.words}`, () => this.#pass(gate, gate.finish));
    }
    for (const parcel of this.#wire.parcels) this.#offerTrouble(parcel, add);
    for (const gate of this.#gates) {
      const { node, words } = gate;
      add(
        `${node.name} dies after ${words}`,
        () => this.#pass(gate, () => this.#kill(node)),
        "crash",
      );
      const fail = (): void => {
        this.#excuses += 1;
        gate.finish(new Error("after the effect"));
      };
      add(`${node.name} runs ${words}, and throws`, () => this.#pass(gate, fail), "fail");
    }
    for (const node of this.#servers.filter(isLive)) {
      add(`${node.name} dies`, () => this.#kill(node), "crash");
    }
    for (const caller of this.#callers) {
      const { node, giveUp, isDone } = caller;
      if (node.state !== "live" || isDone) continue;
      add(`${node.name} dies`, () => this.#kill(node), "client-crash");
      if (giveUp !== undefined && !giveUp.signal.aborted) {
        add(`${node.name} gives up`, () => giveUp.abort(new Error("enough")), "abort");
      }
    }
    if (this.#wire.waiting > 0) add("it takes too long", () => this.#beSlow(), "slow");
    return actions;
  }

  #offerDelivery(parcel: Parcel, add: (words: string, perform: () => void) => void): void {
    const words = wordsOf(parcel);
    if (parcel.kind !== "request") return add(words, () => this.#wire.deliver(parcel));
    const targets = this.#wire.targetsOf(parcel);
    for (const node of targets) {
      add(`${words} to ${node.name}`, () => this.#wire.deliver(parcel, node));
    }
    if (targets.length === 0) add(`${words} to nobody`, () => this.#wire.deliver(parcel));
  }

  #offerTrouble(
    parcel: Parcel,
    add: (words: string, perform: () => void, fault: Fault) => void,
  ): void {
    const words = wordsOf(parcel);
    add(`lost: ${words}`, () => this.#wire.lose(parcel), "lose");
    if (parcel.kind !== "request" || parcel.only !== undefined) return;
    // A bus promises that one member gets it; the copy finds the way that the first one found.
    for (const node of this.#wire.targetsOf(parcel)) {
      const twice = (): void => {
        this.#wire.duplicate(parcel, node);
        this.#wire.deliver(parcel, node);
      };
      add(`twice: ${words} to ${node.name}`, twice, "duplicate");
    }
  }

  #pass(gate: AtGate, next: () => void): void {
    this.#gates.splice(this.#gates.indexOf(gate), 1);
    gate.effect();
    next();
  }

  #kill(node: Node): void {
    if (this.#servers.includes(node)) this.#excuses += 1;
    node.state = "dead";
    this.#links.get(node)?.faults.pauseReplies();
    this.#wire.forget(node);
    for (const gate of this.#gates.filter((one) => one.node === node)) {
      this.#gates.splice(this.#gates.indexOf(gate), 1);
    }
    for (const view of this.#views) view.update(this.#servers.filter(isLive));
  }

  /** Time passes until somebody's patience ends. */
  #beSlow(): void {
    const before = this.#wire.timeouts;
    for (let timers = 0; timers < MAX_TIMERS && this.#wire.timeouts === before; timers++) {
      if (!this.#timeline.step(Infinity)) return;
    }
  }

  #backendOf(node: Node): Backend {
    const runtime = this.#timeline.runtimeOf(node, node.name);
    const memory = memoryBackend({ store: this.#store, runtime });
    this.#links.set(node, memory);
    const bus = this.#wire.busOf(node, runtime);
    const { name, capabilities, leases, kv } = memory;
    return {
      name,
      capabilities,
      leases,
      kv,
      bus,
      runtime,
      ready: () => memory.ready(),
      health: () => memory.health(),
      close: () => memory.close(),
      [Symbol.asyncDispose]: () => memory.close(),
    };
  }

  #handlersOf(node: Node) {
    const { lives } = this.#wire;
    const handle = (kind: Kind) => (input: string, call: { readonly client: string }) =>
      new Promise<string>((resolve, reject) => {
        const caller = this.#callers.find(({ node: { name } }) => name === lives.get(call.client));
        const made = kind === "keyed" ? caller?.current : this.#callOf(input);
        const effect = (): void => {
          if (made !== undefined) made.runs += 1;
          if (kind === "keyed") this.#keys.set(KEY, 1);
        };
        const finish = (error?: Error): void => (error ? reject(error) : resolve(input));
        this.#gates.push({ node, words: `${kind} ${input}`, effect, finish });
      });
    return { unsafe: handle("unsafe"), safe: handle("safe"), keyed: handle("keyed") };
  }

  #callOf(tag: string): MadeCall | undefined {
    return this.#calls.find((call) => call.tag === tag);
  }

  #startCaller(index: number, kinds: readonly Kind[]): void {
    const node = nodeOf(`client${index + 1}`);
    const backend = this.#backendOf(node);
    const common = { presence: false } as const;
    const view = new View(this.#servers);
    if (this.#plan.byEndpoints === true) this.#views.push(view);
    const life =
      this.#plan.byEndpoints === true
        ? client(backend, Model, {
            ...common,
            endpoints: view,
            balancer: balance.roundRobin({ runtime: backend.runtime }),
          })
        : client(backend, Model, common);
    const caller: Caller = { node, life, giveUp: undefined, isDone: false, current: undefined };
    this.#callers.push(caller);
    void this.#program(caller, kinds);
  }

  async #program(caller: Caller, kinds: readonly Kind[]): Promise<void> {
    for (const [index, kind] of kinds.entries()) {
      const tag = `${caller.node.name} call ${index + 1}`;
      const made: MadeCall = { tag, kind, runs: 0, asked: 0, outcome: undefined };
      caller.current = made;
      this.#calls.push(made);
      let giveUp: AbortController;
      let outcome: Outcome;
      do {
        made.asked += 1;
        giveUp = caller.giveUp = new AbortController();
        outcome = await this.#ask(caller, made, giveUp.signal).then(
          (value): Outcome => ({ kind: "value", value }),
          (error: unknown): Outcome =>
            giveUp.signal.aborted ? { kind: "given up" } : { kind: "error", error },
        );
      } while (kind === "keyed" && outcome.kind === "error" && made.asked < MAX_ASKED);
      made.outcome = outcome;
    }
    caller.isDone = true;
  }

  #ask({ life }: Caller, { kind, tag }: MadeCall, signal: AbortSignal): Promise<string> {
    if (kind === "keyed") return life.keyed(KEY, { key: KEY, signal });
    return life[kind](tag, { signal });
  }
}

/** A registry that hears of a death at once. */
class View implements ServiceView {
  readonly service = Model.name;
  readonly range = "*";
  readonly #listeners = new Set<(snapshot: ServiceSnapshot) => void>();
  #snapshot: ServiceSnapshot;

  constructor(nodes: readonly Node[]) {
    this.#snapshot = snapshotOf(nodes, 1);
  }

  get snapshot(): ServiceSnapshot {
    return this.#snapshot;
  }

  update(nodes: readonly Node[]): void {
    this.#snapshot = snapshotOf(nodes, this.#snapshot.revision + 1);
    for (const listener of this.#listeners) listener(this.#snapshot);
  }

  endpoint(id: string): Endpoint | undefined {
    return this.#snapshot.endpoints.find((one) => one.id === id);
  }

  onChange(listener: (snapshot: ServiceSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch(): never {
    throw new Error("not needed here");
  }

  async ready(): Promise<ServiceSnapshot> {
    return this.#snapshot;
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function snapshotOf(nodes: readonly Node[], revision: number): ServiceSnapshot {
  const facts = { service: Model.name, version: Model.version, address: "", zone: "" } as const;
  const numbers = { weight: 1, warmUpMs: 0, ageMs: 0, state: "up" } as const;
  const endpoints = nodes.map(({ name }) => ({ ...facts, ...numbers, id: name }));
  const calm = { draining: [], doubted: new Set<string>(), isPanic: false, isStale: false };
  return { service: Model.name, revision, endpoints, ...calm, staleSinceMs: undefined, madeMs: 0 };
}

function nodeOf(name: string): Node {
  return { name, state: "live", due: [] };
}

function isLive({ state }: Node): boolean {
  return state === "live";
}

function wordsOf({ from, kind, number }: Parcel): string {
  return `${kind} ${number} of ${from}`;
}
