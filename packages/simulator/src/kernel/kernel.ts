/**
 * The kernel: one run's world of nodes, network, faults and chance, under one virtual time.
 *
 * Parts of a world are made of it: a process is a node whose main runs on the node's runtime, a
 * store a node whose server does; what they say to each other goes over the network; what may
 * befall them is offered as faults. The kernel itself decides nothing but what happens next.
 *
 * A store's part is made so: `const server = kernel.addNode(name, "server")`, its engine on
 * `server.runtime`, one `kernel.network.wire(process, server)` per backend, and a
 * `kernel.faults.offer(…)` for each way in which it may fail. `kernel.onHeal` is called when the
 * safety phase ends, and must leave it well.
 */
import { invalidArgument } from "@quorate/core";
import { Faults } from "./faults.ts";
import { SimNetwork } from "./network.ts";
import { SimNode } from "./node.ts";
import { Scheduler } from "./scheduler.ts";
import { parseSeed, type Seed, type SeedLike, Stream } from "./seed.ts";
import { Witness } from "./witness.ts";

/** When a world begins if nobody says so: 2026-01-01T00:00:00Z. */
export const DEFAULT_EPOCH_MS = 1_767_225_600_000;

/** What was found wrong in a run. */
export interface Violation {
  /** The name of the claim that does not hold, or the kind of defect. */
  readonly claim: string;
  /** What was seen. */
  readonly message: string;
  /** World time. */
  readonly atMs: number;
  /** The process in whose event it was seen; empty: none. */
  readonly node: string;
  /** What was thrown, if something was. */
  readonly cause?: unknown;
}

/** What a kernel is made of. */
export interface KernelOptions {
  readonly seed: SeedLike;
  /** World time zero on every wall clock, before skew. @default 2026-01-01T00:00:00Z */
  readonly epochMs?: number;
  readonly witness?: Witness;
}

/** One run's world. */
export class Kernel {
  readonly seed: Seed;
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly faults: Faults;
  readonly witness: Witness;
  readonly #nodes = new Map<string, SimNode>();
  readonly #epochUs: number;
  readonly #healers: (() => void)[] = [];
  readonly #listeners = new Map<string, Set<(event: object, node: SimNode) => void>>();
  #violation: Violation | undefined;

  constructor(options: KernelOptions) {
    this.seed = parseSeed(options.seed);
    this.witness = options.witness ?? new Witness();
    this.scheduler = new Scheduler(this.seed.low ^ this.seed.high, this.witness);
    this.network = new SimNetwork(this.scheduler, this.#nodes);
    this.faults = new Faults(this.scheduler);
    this.#epochUs = (options.epochMs ?? DEFAULT_EPOCH_MS) * 1_000;
  }

  /** World time since the start, in milliseconds. */
  get nowMs(): number {
    return this.scheduler.nowUs / 1_000;
  }

  /** All nodes, in the order in which they were added. */
  get nodes(): ReadonlyMap<string, SimNode> {
    return this.#nodes;
  }

  /** The first thing found wrong. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** A stream of chance of its own for the part called `name`. */
  stream(name: string): Stream {
    return new Stream(this.seed, name);
  }

  /** Adds a process or a server. */
  addNode(name: string, role: "process" | "server"): SimNode {
    if (typeof name !== "string" || name === "" || this.#nodes.has(name)) {
      throw invalidArgument("name", name, "a name that no other process or store has");
    }
    const node = new SimNode(this.scheduler, {
      name,
      role,
      seed: this.seed,
      epochUs: this.#epochUs,
      onEvent: (at, channel, event) => this.#publish(at, channel, event),
    });
    this.#nodes.set(name, node);
    return node;
  }

  /** The node called `name`. */
  node(name: string): SimNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw invalidArgument("name", name, "the name of a process or store");
    return node;
  }

  /** Calls `listener` when code under simulation publishes on the channel `name`. */
  on(name: string, listener: (event: object, node: SimNode) => void): void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
  }

  /** Calls `healer` when the safety phase ends. */
  onHeal(healer: () => void): void {
    this.#healers.push(healer);
  }

  /** Ends every fault; whoever lies down stands up again. */
  heal(): void {
    this.witness.line(this.scheduler.nowUs, "", "fault", "everything heals");
    this.faults.heal();
    this.network.heal();
    for (const healer of this.#healers) healer();
  }

  /** `name` happened: a step of the work, or a rare path that tests must take. */
  mark(name: string, node = ""): void {
    this.witness.count(`mark.${name}`);
    this.witness.line(this.scheduler.nowUs, node, "mark", name);
  }

  /** Something is wrong. The first one counts, and ends the run. */
  violate(claim: string, message: string, cause?: unknown): void {
    if (this.#violation !== undefined) return;
    const node = this.scheduler.current?.name ?? "";
    const why = cause === undefined ? {} : { cause };
    this.#violation = { claim, message, atMs: this.nowMs, node, ...why };
    this.witness.count("violation");
    this.witness.line(this.scheduler.nowUs, node, "violation", `${claim}: ${message}`);
  }

  /** The run's fingerprint, with what every node has drawn. To be read once, at the end. */
  digest(): string {
    for (const node of this.#nodes.values()) this.witness.hash.number(node.fingerprint());
    return this.witness.hash.digest();
  }

  #publish(node: SimNode, channel: string, event: object): void {
    this.witness.count(`event.${channel}`);
    this.witness.hash.text(channel);
    if (this.witness.trace !== undefined) {
      const text = `${channel} ${printed(event)}`;
      this.witness.line(this.scheduler.nowUs, node.name, "event", text);
    }
    const listeners = this.#listeners.get(channel);
    if (listeners === undefined) return;
    for (const listener of listeners) listener(event, node);
  }
}

const LONGEST_EVENT = 500;

/** An event on one line; what JSON cannot say must not break the run that it is to explain. */
function printed(event: object): string {
  try {
    const text = JSON.stringify(event);
    return text.length > LONGEST_EVENT ? `${text.slice(0, LONGEST_EVENT)}…` : text;
  } catch {
    return "(not JSON)";
  }
}
