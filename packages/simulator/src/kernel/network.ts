/**
 * The network: streams between processes and stores, datagrams between nodes, and what may happen
 * to them on the way.
 *
 * How long a message takes, and whether it is lost, is a hash of the seed, of its way and of its
 * number on that way. No stream of chance is shared, so taking a fault out of a run does not roll
 * the delays of all that follows anew.
 *
 * Guarantees: a datagram arrives late, twice, out of order, or not at all; a stream's messages in
 * order, each at most once. Bytes are copied: nodes share no memory by a message.
 */
import type { Wire } from "@quorate/memory";
import {
  CALM_NETWORK,
  checkConditions,
  delayUs,
  isLost,
  type NetworkConditions,
  secondDelayUs,
} from "./conditions.ts";
import type { SimNode } from "./node.ts";
import { Route, type Rule, Weather } from "./route.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StreamHalf } from "./stream-half.ts";
import { StreamWire } from "./stream-wire.ts";

/** Takes what arrives: the sender's name, and bytes of the receiver's own. */
export type DatagramHandler = (from: string, data: Uint8Array) => void;

/** A rule that was set, to be lifted. */
export interface Disturbance {
  /** Takes it back. Twice, it does nothing. */
  heal(): void;
}

/** The network of one run. */
export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #nodes: ReadonlyMap<string, SimNode>;
  readonly #weather: Weather;
  readonly #routes = new Map<SimNode, Map<SimNode, Route>>();
  readonly #wires = new Set<StreamWire>();
  readonly #stalled = new Set<StreamHalf>();
  readonly #handlers = new Map<SimNode, DatagramHandler>();
  #messages = 0;

  constructor(scheduler: Scheduler, nodes: ReadonlyMap<string, SimNode>) {
    this.#scheduler = scheduler;
    this.#nodes = nodes;
    this.#weather = new Weather(CALM_NETWORK);
  }

  /** A connection between a process, as it runs now, and a store. */
  wire(process: SimNode, store: SimNode): Wire {
    const routes = { up: this.#route(process, store), down: this.#route(store, process) };
    const wire = new StreamWire(routes, {
      scheduler: this.#scheduler,
      nextMessageId: () => this.#nextMessage(),
      stalled: (half) => void this.#stalled.add(half),
      closed: (closed) => void this.#wires.delete(closed),
    });
    this.#wires.add(wire);
    return wire;
  }

  /** Hears datagrams for `node` until this incarnation ends, or until the result is called. */
  bind(node: SimNode, handler: DatagramHandler): () => void {
    this.#handlers.set(node, handler);
    const unbind = (): void => {
      if (this.#handlers.get(node) === handler) this.#handlers.delete(node);
    };
    node.onEnd(unbind);
    return unbind;
  }

  /** Whether anybody hears datagrams at `node`. */
  isBound(node: SimNode): boolean {
    return this.#handlers.has(node);
  }

  /** Open stream connections of `node`. */
  connections(node: SimNode): number {
    return this.#between(node.name, undefined).length;
  }

  /** Sends a datagram. Nobody says whether it arrives, nor whether `to` exists. */
  send(from: SimNode, to: string, data: Uint8Array): void {
    const target = this.#nodes.get(to);
    if (target === undefined) return this.#scheduler.witness.count("datagram to nobody");
    const bytes = data.slice();
    from.send(() => this.#depart(this.#route(from, target), bytes));
  }

  /** The conditions that hold where no rule says otherwise. */
  setConditions(conditions: Partial<NetworkConditions>): void {
    this.#weather.setBase(checkConditions({ ...CALM_NETWORK, ...conditions }));
  }

  /** Nothing passes from `from` to `to`; unless `oneWay`, nor back. */
  partition(
    from: readonly string[],
    to: readonly string[],
    options: { readonly oneWay?: boolean } = {},
  ): Disturbance {
    const [left, right] = [new Set(from), new Set(to)];
    const rules: Rule[] = [{ from: left, to: right, blocks: true, conditions: {} }];
    if (options.oneWay !== true) {
      rules.push({ from: right, to: left, blocks: true, conditions: {} });
    }
    return this.#impose(rules);
  }

  /** Other conditions on the ways from `from` to `to`; leaving one out means all nodes. */
  disturb(
    conditions: Partial<NetworkConditions>,
    ways: { readonly from?: readonly string[]; readonly to?: readonly string[] } = {},
  ): Disturbance {
    checkConditions({ ...CALM_NETWORK, maxDelayMs: Infinity, ...conditions });
    const from = ways.from === undefined ? undefined : new Set(ways.from);
    const to = ways.to === undefined ? undefined : new Set(ways.to);
    return this.#impose([{ from, to, blocks: false, conditions }]);
  }

  /** Resets the connections between two nodes; leaving out the second means all of the first. */
  reset(node: string, peer?: string): void {
    for (const wire of this.#between(node, peer)) wire.reset();
  }

  /** Connections between two nodes swallow everything for `ms`, then are reset. */
  halfOpen(node: string, peer: string | undefined, ms: number): void {
    for (const wire of this.#between(node, peer)) wire.halfOpen(ms);
  }

  /** Lifts every rule, and ends half-open connections. */
  heal(): void {
    this.#weather.clear();
    for (const wire of [...this.#wires]) wire.heal();
    this.#release();
  }

  #impose(rules: readonly Rule[]): Disturbance {
    for (const rule of rules) this.#weather.add(rule);
    this.#release();
    return {
      heal: () => {
        for (const rule of rules) this.#weather.remove(rule);
        this.#release();
      },
    };
  }

  #release(): void {
    for (const half of [...this.#stalled]) {
      if (half.route.isBlocked) continue;
      this.#stalled.delete(half);
      half.release();
    }
  }

  #between(node: string, peer: string | undefined): StreamWire[] {
    const isEnd = (wire: StreamWire, name: string | undefined): boolean =>
      name === undefined || wire.process.name === name || wire.store.name === name;
    return [...this.#wires].filter((wire) => isEnd(wire, node) && isEnd(wire, peer));
  }

  #depart(route: Route, bytes: Uint8Array): void {
    const { witness } = this.#scheduler;
    const count = route.nextCount();
    const message = this.#nextMessage();
    this.#trace("send", route, message);
    const { conditions, key } = route;
    if (route.isBlocked || isLost(conditions, key, count)) {
      witness.count("datagram lost");
      return this.#trace("drop", route, message);
    }
    const arrive = (): void => this.#arrive(route, bytes, message);
    route.to.schedule(delayUs(conditions, key, count), "datagram", arrive);
    const againUs = secondDelayUs(conditions, key, count);
    if (againUs === undefined) return;
    witness.count("datagram doubled");
    const copy = bytes.slice();
    const again = (): void => this.#arrive(route, copy, message);
    route.to.schedule(againUs, "datagram", again);
  }

  #arrive(route: Route, bytes: Uint8Array, message: number): void {
    const handler = this.#handlers.get(route.to);
    if (handler === undefined || route.isBlocked) return this.#trace("drop", route, message);
    this.#trace("receive", route, message);
    handler(route.from.name, bytes);
  }

  #route(from: SimNode, to: SimNode): Route {
    let routes = this.#routes.get(from);
    if (routes === undefined) {
      routes = new Map();
      this.#routes.set(from, routes);
    }
    let route = routes.get(to);
    if (route === undefined) {
      route = new Route(from, to, this.#weather);
      routes.set(to, route);
    }
    return route;
  }

  #nextMessage(): number {
    this.#messages += 1;
    return this.#messages;
  }

  #trace(kind: "send" | "receive" | "drop", route: Route, message: number): void {
    const { witness, nowUs } = this.#scheduler;
    if (witness.trace === undefined) return;
    const [here, there] = kind === "send" ? [route.from, route.to] : [route.to, route.from];
    const at = { atMs: nowUs / 1_000, node: here.name, peer: there.name };
    witness.trace.add({ ...at, kind, text: "datagram", message });
  }
}
