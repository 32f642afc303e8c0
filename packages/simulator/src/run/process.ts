/**
 * A process of a simulated world, as its own main sees it.
 *
 * One object per incarnation: after a restart main runs again with a new one, whose disk may have
 * been kept. Everything here acts as this incarnation, and does nothing once it was killed.
 */
import { type Runtime, sleep } from "@quorate/core";
import type { Kernel } from "../kernel/kernel.ts";
import type { DatagramHandler } from "../kernel/network.ts";
import type { SimNode } from "../kernel/node.ts";

/** What a process's main is handed. */
export class SimProcess {
  /** Such as `worker-2`; the same after a restart. */
  readonly name: string;
  /** Its place in the group that `sim.process` made, from 0. */
  readonly index: number;
  /** 1, and one more with each restart. */
  readonly incarnation: number;
  /** Clocks, timers, chance and ids of this incarnation: hand it to the code under test. */
  readonly runtime: Runtime;
  /** Bytes that outlive a restart, unless the fault says that the disk is wiped. */
  readonly disk: Map<string, Uint8Array>;
  /** The node, for stores that this process connects to. */
  readonly node: SimNode;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel, node: SimNode, index: number) {
    this.#kernel = kernel;
    this.node = node;
    this.name = node.name;
    this.index = index;
    this.incarnation = node.incarnation;
    this.runtime = node.runtime;
    this.disk = node.disk;
  }

  /** Whether this incarnation still runs. */
  get isAlive(): boolean {
    return this.node.state !== "dead" && this.node.incarnation === this.incarnation;
  }

  /** Counts a step of the work, for `atLeast` and `mustHit`. */
  mark(name: string): void {
    if (this.isAlive) this.#kernel.mark(name, this.name);
  }

  /** Adds a line to the trace. */
  note(text: string): void {
    this.#kernel.witness.line(this.#kernel.scheduler.nowUs, this.name, "note", text);
  }

  /** Resolves `ms` later on this process's monotonic clock, unless it is killed before. */
  sleep(ms: number, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return sleep(this.runtime, ms, options);
  }

  /** Sends a datagram to another process: it may be lost, late, doubled or overtaken. */
  send(to: string, data: Uint8Array): void {
    if (this.isAlive) this.#kernel.network.send(this.node, to, data);
  }

  /** Hears datagrams, until the result is called or this incarnation ends. */
  onMessage(handler: DatagramHandler): () => void {
    // Else a dead incarnation would hear what is meant for the next.
    return this.isAlive ? this.#kernel.network.bind(this.node, handler) : () => {};
  }
}
