/**
 * A simulated store: a server on a node of its own, that processes reach over the network.
 *
 * It runs an engine's twin on the node's clocks and chance. What befalls the node befalls the
 * server: killed, it breaks its connections and comes back with what was on disk; paused, it
 * answers late; with its clock set, leases that count on the wall clock end early or late. What
 * befalls the network befalls the connections. The rest are the switches here.
 *
 * Guarantees: whatever the twin acknowledged survives, except what a switch says is lost. Does not
 * guarantee that a twin is its engine in every detail: `engines.ts` names the known differences.
 */
import { type Backend, inRange, knownOptions, type Ms, nonNegative } from "@quorate/core";
import type { DataFate, MemoryStore } from "@quorate/memory";
import type { Kernel } from "../kernel/kernel.ts";
import type { DeathManner, SimNode } from "../kernel/node.ts";
import type { EngineName, Replication } from "./engines.ts";
import { presentRuntimeOf } from "./node-runtime.ts";
import { TwinStore } from "./twin-store.ts";

/** Options of `createSimStore`. */
export interface SimStoreOptions {
  /** Whose semantics it has. @default "memory" */
  readonly engine?: EngineName;
  /**
   * Whether others follow the server. A replicated Redis promises less (`best-effort`) and its
   * failovers forget; a replicated NATS promises more (`quorum`). @default "single"
   */
  readonly replication?: Replication;
  /** How far back `forgetMs` may reach. @default 10000 */
  readonly undoMs?: Ms;
  /** Whether a plan's faults may befall it. @default true */
  readonly faults?: boolean;
  /**
   * Whether a plan may set its wall clock, or let its clocks run at another rate. Set forward, the
   * clock of Redis and NATS ends leases before their time, and a rate that adds to a process's own
   * goes beyond what leases allow for: two believers are then possible, only fencing holds.
   *
   * @default false
   */
  readonly clockFaults?: boolean;
}

/** What a server is, checked. */
export type SimStoreTraits = Required<Pick<SimStoreOptions, "engine" | "replication" | "undoMs">>;

/** Options of a process's backend. */
export interface SimBackendOptions {
  /** @default "quorate" */
  readonly namespace?: string;
  /** @default 5000 */
  readonly requestTimeoutMs?: Ms;
}

/** A process that opens a backend: its node, or what its main is handed. */
export type Opener = SimNode | { readonly node: SimNode };

/** How a server dies. */
export interface KillOptions extends DataFate {
  /** Told to whoever is connected, or not, as when its machine loses power. @default "closes" */
  readonly manner?: DeathManner;
}

/** A failover's severity. */
export interface FailoverOptions {
  /** Acknowledged writes of so long are lost; nothing where the engine elects. @default 0 */
  readonly forgetMs?: Ms;
  /** How long nobody serves. @default drawn from what was measured on the real engine */
  readonly gapMs?: Ms;
}

/** A server under simulation. */
export class SimStore {
  readonly node: SimNode;
  readonly engine: EngineName;
  /** The server's data, for global checks of its size; not for code under test. */
  readonly server: MemoryStore;
  readonly #kernel: Kernel;
  readonly #twin: TwinStore;
  #fate: DataFate = { keepData: true };
  /** Which failover is under way; its end must not end a later one. */
  #failovers = 0;

  constructor(kernel: Kernel, name: string, options: SimStoreTraits) {
    const { engine, replication, undoMs } = options;
    this.#kernel = kernel;
    this.engine = engine;
    this.node = kernel.addNode(name, "server");
    const runtime = presentRuntimeOf(this.node);
    this.#twin = new TwinStore({ engine, replication, undoMs, runtime });
    this.server = this.#twin.server;
    this.#follow();
    this.node.onRestart(() => {
      this.#follow();
      this.server.start();
    });
    kernel.onHeal(() => this.heal());
  }

  /** Whether a failover of this engine loses acknowledged writes. */
  get forgetsAtFailover(): boolean {
    return this.#twin.traits.failover === "forgets";
  }

  /** A process's own backend, over a connection of its own. */
  backend(opener: Opener, options: SimBackendOptions = {}): Backend {
    knownOptions("options", options, ["namespace", "requestTimeoutMs"]);
    const node = "node" in opener ? opener.node : opener;
    const { runtime, name: process } = node;
    const wire = this.#kernel.network.wire(node, this.node);
    return this.#twin.backend({ ...options, runtime, process, wire });
  }

  /** The server dies. What it had is there after `restart`: all of it, unless told otherwise. */
  kill(options: KillOptions = {}): void {
    const { manner, ...fate } = options;
    this.#fate = { keepData: true, ...fate };
    this.node.kill(manner);
    this.#fate = { keepData: true };
  }

  /** The server comes back; killed first, if it runs. */
  restart(options: KillOptions = {}): void {
    this.kill(options);
    this.node.restart();
  }

  /** The server stands still for `ms`, or until `resume`: requests wait, nothing falls due. */
  pause(ms?: Ms): void {
    this.node.pause(ms);
  }

  /** Ends a `pause` early. */
  resume(): void {
    this.node.resume();
  }

  /**
   * Another server takes over. On Redis connections break, nobody listens for a while, and what
   * had not reached the replica is lost. On NATS nothing acknowledged is lost; until there is a
   * leader questions on data are refused or not answered, and some unanswered writes land then.
   */
  failover(options: FailoverOptions = {}): void {
    const [fromMs, toMs] = this.#twin.traits.failoverMs;
    const drawnMs = fromMs + this.node.runtime.random.next() * (toMs - fromMs);
    const gapMs = nonNegative("gapMs", options.gapMs ?? drawnMs);
    const forgetMs = nonNegative("forgetMs", options.forgetMs ?? 0);
    if (this.node.state === "dead") return;
    this.#failovers += 1;
    const mine = this.#failovers;
    if (this.#twin.traits.failover === "elects") this.server.loseLeader();
    else this.server.stop({ keepData: true, forgetMs });
    this.#kernel.network.reset(this.node.name);
    this.#kernel.scheduler.schedule(gapMs * 1_000, undefined, "action", () => {
      if (mine === this.#failovers) this.#endFailover();
    });
  }

  /** Forgets all keys, leases and tokens. */
  flush(): void {
    this.server.flush();
  }

  /** The disk is full: writes and renewals are refused, reads go on. */
  readOnly(on = true): void {
    this.server.readOnly(on);
  }

  /** Sets the server's wall clock; negative: back. */
  stepClock(ms: number): void {
    this.node.skew({ jumpMs: ms });
    this.server.stepClock(0); // What the new time ends, ends now.
  }

  /** Both clocks of the server run at another rate from now on. */
  setRate(rate: number): void {
    this.node.skew({ rate: inRange("rate", rate, 0.5, 2) });
  }

  /** Everything is well again; the clock stays where it was set. */
  heal(): void {
    this.node.resume();
    this.node.skew({ rate: 1 });
    if (this.node.state === "dead") this.node.restart();
    this.#endFailover();
    this.server.readOnly(false);
  }

  #endFailover(): void {
    this.#failovers += 1;
    this.server.electLeader();
    if (this.node.state !== "dead") this.server.start();
  }

  /** However the node's incarnation ends, the server ends with it. */
  #follow(): void {
    this.node.onEnd(() => this.server.stop(this.#fate));
  }
}
