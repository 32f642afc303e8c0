/**
 * A world of packets: machines of many members, a network that loses, delays, doubles and cuts, and
 * one clock. Deterministic by its seed, and fast: an event is a number in a heap and a packet.
 *
 * Every packet goes through the codec, so that its size is the true one.
 */
import { seededRandom } from "@quorate/core/testing";
import type { SwimEffect, SwimSettings } from "./ground.ts";
import { SwimMachine } from "./machine.ts";
import { decodePacket, encodePacket } from "./packet.ts";
import { SWIM_TIMINGS, type SwimTiming } from "./timing.ts";

/** What the network does to packets. */
export interface WorldOptions {
  readonly seed?: number;
  readonly lossRate?: number;
  readonly duplicateRate?: number;
  /** Share of packets that take up to `lateMs` longer. */
  readonly lateRate?: number;
  readonly lateMs?: number;
  readonly timing?: SwimTiming;
}

/** One life of a member. */
export interface WorldNode {
  readonly id: string;
  readonly address: string;
  readonly machine: SwimMachine;
  isAlive: boolean;
  stalledUntilMs: number;
  /** Packets that arrived while it stood still. */
  readonly waiting: Uint8Array[];
  /** When its timer is set for. */
  timerMs: number;
}

/** How a member begins. */
export interface Birth {
  readonly seeds?: readonly string[];
  readonly address?: string;
  readonly incarnation?: number;
  readonly data?: string;
  readonly maxMembers?: number;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly node: WorldNode | undefined;
  readonly act: Uint8Array | (() => void) | undefined;
}

const START_WALL_MS = 1_767_225_600_000;
const GROUP = 7;

/** The world. */
export class PacketWorld {
  readonly options: Required<WorldOptions>;
  /** By address. */
  readonly nodes = new Map<string, WorldNode>();
  readonly #events: Event[] = [];
  readonly #random: { next(): number };
  #order = 0;
  nowMs = 0;
  packets = 0;
  bytes = 0;
  largest = 0;
  refused = 0;
  /** Whether a packet between two addresses is lost for certain. */
  isCut: (from: string, to: string) => boolean = () => false;
  onEffect: (node: WorldNode, effect: SwimEffect) => void = () => {};

  constructor(options: WorldOptions = {}) {
    const base = { seed: 1, lossRate: 0, duplicateRate: 0, lateRate: 0, lateMs: 60_000 };
    this.options = { ...base, timing: SWIM_TIMINGS.lan, ...options };
    this.#random = seededRandom(this.options.seed);
  }

  get wallMs(): number {
    return START_WALL_MS + this.nowMs;
  }

  /** A member begins now. */
  start(id: string, birth: Birth = {}): WorldNode {
    const address = birth.address ?? `at-${id}`;
    const settings: SwimSettings = {
      id,
      group: GROUP,
      address,
      data: birth.data ?? "",
      incarnation: birth.incarnation ?? Math.floor(this.wallMs),
      seeds: birth.seeds ?? [],
      timing: this.options.timing,
      maxMembers: birth.maxMembers ?? 10_000,
      maxAheadMs: 86_400_000,
    };
    const random = seededRandom(this.#random.next() * 2 ** 32);
    const machine = new SwimMachine(settings, () => random.next());
    const node: WorldNode = {
      id,
      address,
      machine,
      isAlive: true,
      stalledUntilMs: 0,
      waiting: [],
      timerMs: Infinity,
    };
    this.nodes.set(address, node);
    this.feed(node, { kind: "start" });
    return node;
  }

  /** `count` members called m0 and so on, begun at once; m0 is the seed of the others. */
  startMany(count: number, prefix = "m"): WorldNode[] {
    const seeds = [`at-${prefix}0`];
    return Array.from({ length: count }, (_, index) => this.start(`${prefix}${index}`, { seeds }));
  }

  crash(node: WorldNode): void {
    node.isAlive = false;
  }

  /** The process stands still: then its timers run first, and what waited is read after. */
  stall(node: WorldNode, forMs: number): void {
    node.stalledUntilMs = this.nowMs + forMs;
    this.at(node.stalledUntilMs, () => {
      if (!node.isAlive || node.stalledUntilMs > this.nowMs) return;
      if (node.machine.wakeMs <= this.nowMs) this.feed(node, { kind: "due" });
      for (const packet of node.waiting.splice(0)) this.#deliver(node, packet);
      this.#arm(node);
    });
  }

  at(atMs: number, act: () => void): void {
    this.#push(atMs, undefined, act);
  }

  /** Hands `packet` to the network, as a stranger could. */
  inject(to: string, packet: Uint8Array): void {
    const node = this.nodes.get(to);
    if (node !== undefined) this.#push(this.nowMs, node, packet);
  }

  feed(node: WorldNode, input: Parameters<SwimMachine["step"]>[0]): void {
    const effects = node.machine.step(input, this.nowMs, this.wallMs);
    for (const effect of effects) {
      if (effect.kind === "send") this.#send(node, effect);
      this.onEffect(node, effect);
    }
    this.#arm(node);
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let first = this.#events[0]; first !== undefined && first.atMs <= endMs;) {
      this.#pop();
      this.nowMs = first.atMs;
      this.#play(first);
      [first] = this.#events;
    }
    this.nowMs = endMs;
  }

  /** Lets time pass until `holds`, looking every 50 ms; how long it took, or `Infinity`. */
  runUntil(holds: () => boolean, withinMs: number): number {
    const startMs = this.nowMs;
    while (!holds()) {
      if (this.nowMs - startMs >= withinMs) return Infinity;
      this.run(50);
    }
    return this.nowMs - startMs;
  }

  #play({ node, act }: Event): void {
    if (typeof act === "function") return act();
    if (node === undefined || !node.isAlive) return;
    const isStalled = node.stalledUntilMs > this.nowMs;
    if (act === undefined) {
      if (isStalled || node.timerMs > this.nowMs) return;
      node.timerMs = Infinity;
      if (node.machine.wakeMs <= this.nowMs) return this.feed(node, { kind: "due" });
      return this.#arm(node);
    }
    if (isStalled) node.waiting.push(act);
    else this.#deliver(node, act);
  }

  #deliver(node: WorldNode, bytes: Uint8Array): void {
    const read = decodePacket(bytes, GROUP);
    if (read.ok) this.feed(node, { kind: "packet", packet: read.packet });
    else this.refused += 1;
  }

  #send(node: WorldNode, { to, message, news }: SwimEffect & { kind: "send" }): void {
    const bytes = encodePacket(node.machine.sender, message, news);
    this.packets += 1;
    this.bytes += bytes.length;
    this.largest = Math.max(this.largest, bytes.length);
    const target = this.nodes.get(to);
    const { lossRate, duplicateRate, lateRate, lateMs } = this.options;
    if (target === undefined || this.isCut(node.address, to)) return;
    for (let copy = 0; copy < 2; copy++) {
      const isSent = copy === 0 || (duplicateRate > 0 && this.#random.next() < duplicateRate);
      if (!isSent || (lossRate > 0 && this.#random.next() < lossRate)) continue;
      const isLate = lateRate > 0 && this.#random.next() < lateRate;
      const delayMs = 0.2 + 2 * this.#random.next() + (isLate ? lateMs * this.#random.next() : 0);
      this.#push(this.nowMs + delayMs, target, bytes);
    }
  }

  #arm(node: WorldNode): void {
    const { wakeMs } = node.machine;
    if (wakeMs >= node.timerMs || wakeMs === Infinity) return;
    node.timerMs = wakeMs;
    this.#push(wakeMs, node, undefined);
  }

  #push(atMs: number, node: WorldNode | undefined, act: Event["act"]): void {
    const event: Event = { atMs, order: (this.#order += 1), node, act };
    const heap = this.#events;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (isBefore(heap[above] as Event, event)) break;
      heap[index] = heap[above] as Event;
      index = above;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Event)) below += 1;
      if (isBefore(last, heap[below] as Event)) break;
      heap[index] = heap[below] as Event;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
