/**
 * A world: what a simulation is about, declared once per run.
 *
 * Processes and stores, what must always hold, what must hold in the end, and what is recorded to
 * be judged. The function that declares it runs anew for each seed, so everything that it makes
 * belongs to one run; state outside it would be shared by all.
 */
import {
  callable,
  invalidArgument,
  knownOptions,
  nonNegative,
  positive,
  positiveInteger,
  type Random,
} from "@quorate/core";
import { HistoryRecorder } from "../checker/history/recorder.ts";
import type { CheckOptions } from "../checker/check-linearizable.ts";
import type { Model } from "../checker/model.ts";
import type { Fault } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { SimNetwork } from "../kernel/network.ts";
import type { SimNode } from "../kernel/node.ts";
import { offerNodeFaults } from "./node-faults.ts";
import { createSimStore } from "../stores/create-sim-store.ts";
import type { SimStore, SimStoreOptions } from "../stores/sim-store.ts";
import { SimProcess } from "./process.ts";

/** A process and what it does. */
export interface ProcessOptions {
  /** How many of them; they are called `name-1` and so on. @default 1, called `name` */
  readonly count?: number;
  /** Runs in each incarnation. What it rejects with is a violation, unless `onError` says else. */
  readonly main: (process: SimProcess) => Promise<void> | void;
  /** Whether faults may befall it. @default true */
  readonly faults?: boolean;
  /** What an error of `main` is: a violation, a crash with a restart a second later, or its end. */
  readonly onError?: "violation" | "restart" | "end";
}

/** What a check says: true or nothing if it holds; false, a text, or an exception if not. */
export type Check = () => boolean | string | void;

/** A claim, and what is known of it. */
export interface Claim {
  readonly name: string;
  readonly check: Check;
}

/** A claim that must hold within a time after healing. */
export interface LaterClaim extends Claim {
  readonly withinMs: number;
  /** It has come to hold, after healing. */
  isMet: boolean;
}

/** A recorded history and the model that it must fit. */
export interface JudgedHistory {
  readonly name: string;
  readonly recorder: HistoryRecorder;
  readonly judge: { readonly model: Model<unknown>; readonly options: CheckOptions };
}

/** A process of a world, and how its present main is doing. */
export interface Inhabitant {
  readonly node: SimNode;
  /** Of the present incarnation. */
  main: "not begun" | "running" | "ended";
}

/** What a run declares. */
export class World {
  /** The run's seed, to be printed. */
  readonly seed: string;
  /** Partitions, resets and bad weather by hand. */
  readonly network: SimNetwork;
  /** What the world is made of: for engines and faults of one's own. */
  readonly kernel: Kernel;
  readonly #always: Claim[] = [];
  readonly #later: LaterClaim[] = [];
  readonly #histories: JudgedHistory[] = [];
  readonly #inhabitants: Inhabitant[] = [];

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.seed = kernel.seed.text;
    this.network = kernel.network;
  }

  /** World time since the start, in milliseconds: for checks, never for code under test. */
  get nowMs(): number {
    return this.kernel.nowMs;
  }

  /** Adds processes, and starts them when the run begins. */
  process(name: string, options: ProcessOptions): readonly SimNode[] {
    knownOptions("options", options, ["count", "main", "faults", "onError"]);
    callable("main", options.main);
    const { count } = options;
    if (count === undefined) return [this.#settle(name, 0, options)];
    positiveInteger("count", count);
    return Array.from({ length: count }, (_, index) =>
      this.#settle(`${name}-${index + 1}`, index, options),
    );
  }

  /** Adds a store: a server that processes reach over the network, by `store.backend(process)`. */
  store(name: string, options: SimStoreOptions = {}): SimStore {
    return createSimStore(this.kernel, name, options);
  }

  /** The process or store called `name`: to kill, pause, suspend or skew it by hand. */
  node(name: string): SimNode {
    return this.kernel.node(name);
  }

  /** Must hold after every event of the run. Fast: it is asked millions of times. */
  always(name: string, check: Check): void {
    this.#always.push({ name, check: callable("check", check) });
  }

  /** Must come to hold within `withinMs` after everything has healed. Must return true. */
  eventually(name: string, options: { readonly withinMs: number }, check: Check): void {
    const withinMs = positive("withinMs", options.withinMs);
    this.#later.push({ name, check: callable("check", check), withinMs, isMet: false });
  }

  /** Records operations, and judges them by `model` at the end of the run. */
  history<S>(name: string, model: Model<S>, options: CheckOptions = {}): HistoryRecorder {
    const time = { monotonicMs: () => this.kernel.nowMs };
    const recorder = new HistoryRecorder({ time });
    const judge = { model: model as Model<unknown>, options };
    this.#histories.push({ name, recorder, judge });
    return recorder;
  }

  /** Counts something that happened, for `atLeast` and `mustHit`. */
  mark(name: string): void {
    this.kernel.mark(name);
  }

  /** How often `mark(name)` was called in this run, by the world or a process. */
  count(name: string): number {
    return this.kernel.witness.counts.get(`mark.${name}`) ?? 0;
  }

  /** Runs `action` at a time of the world. */
  at(atMs: number, action: () => void): void {
    nonNegative("atMs", atMs);
    this.kernel.scheduler.scheduleAt(atMs * 1_000, undefined, "action", action);
  }

  /** Lets a fault happen now, such as `{ kind: "pause", target: "worker-1", forMs: 5_000 }`. */
  inject(fault: Omit<Fault, "atMs">): void {
    this.kernel.faults.begin({ ...fault, atMs: this.kernel.nowMs });
  }

  /** Hears what code under test publishes on `runtime.events`. */
  on(channel: string, listener: (event: object, node: SimNode) => void): void {
    this.kernel.on(channel, listener);
  }

  /** Chance for the world's own use, by name. */
  random(name: string): Random {
    return this.kernel.stream(`world.${name}`);
  }

  /** Says that something is wrong, and ends the run. */
  fail(claim: string, message: string): void {
    this.kernel.violate(claim, message);
  }

  /** For the runner. */
  get declared(): {
    readonly always: readonly Claim[];
    readonly later: readonly LaterClaim[];
    readonly histories: readonly JudgedHistory[];
    readonly inhabitants: readonly Inhabitant[];
  } {
    return {
      always: this.#always,
      later: this.#later,
      histories: this.#histories,
      inhabitants: this.#inhabitants,
    };
  }

  #settle(name: string, index: number, options: ProcessOptions): SimNode {
    if (this.kernel.scheduler.executed > 0) {
      throw invalidArgument("process", name, "declared before the run begins");
    }
    const node = this.kernel.addNode(name, "process");
    const inhabitant: Inhabitant = { node, main: "not begun" };
    this.#inhabitants.push(inhabitant);
    const start = (): void => {
      inhabitant.main = "not begun";
      node.schedule(0, "start", () => this.#run(inhabitant, index, options));
    };
    node.onRestart(start);
    start();
    if (options.faults !== false) offerNodeFaults(this.kernel, node);
    return node;
  }

  #run(inhabitant: Inhabitant, index: number, options: ProcessOptions): void {
    const { node } = inhabitant;
    const process = new SimProcess(this.kernel, node, index);
    const isPresent = (): boolean => process.isAlive;
    const end = (): void => {
      if (isPresent()) inhabitant.main = "ended";
    };
    const fail = (error: unknown): void => {
      if (!isPresent()) return;
      inhabitant.main = "ended";
      this.#failed(node, error, options.onError ?? "violation");
    };
    inhabitant.main = "running";
    // In a promise from the start: what main throws before its first await is an error of main too.
    new Promise<void>((resolve) => void resolve(options.main(process))).then(end, fail);
  }

  #failed(node: SimNode, error: unknown, onError: "violation" | "restart" | "end"): void {
    const message = error instanceof Error ? error.message : String(error);
    if (onError === "violation") {
      return this.kernel.violate("main does not fail", `${node.name}: ${message}`, error);
    }
    this.kernel.mark(`${node.name} failed`, node.name);
    if (onError === "end") return;
    node.kill();
    const { incarnation } = node;
    this.kernel.scheduler.schedule(1_000_000, undefined, "action", () => {
      if (node.state === "dead" && node.incarnation === incarnation) node.restart();
    });
  }
}
