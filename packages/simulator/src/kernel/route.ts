/**
 * One way from a node to another, and the weather on it.
 *
 * A partition is a block on some ways, a bad stretch a change of their conditions; both are rules
 * over sets of nodes, one way or both. A route looks its rules up once after each change, so a
 * message on a quiet day costs one comparison.
 */
import type { NetworkConditions } from "./conditions.ts";
import type { SimNode } from "./node.ts";

/** A rule over the ways from some nodes to others. */
export interface Rule {
  /** Names of nodes; `undefined`: all. */
  readonly from: ReadonlySet<string> | undefined;
  readonly to: ReadonlySet<string> | undefined;
  /** Nothing passes. */
  readonly blocks: boolean;
  /** What is different from the network's own conditions. */
  readonly conditions: Partial<NetworkConditions>;
}

/** The rules that hold now. */
export class Weather {
  #base: NetworkConditions;
  readonly #rules = new Set<Rule>();
  #version = 1;

  constructor(base: NetworkConditions) {
    this.#base = base;
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  setBase(base: NetworkConditions): void {
    this.#base = base;
    this.#version += 1;
  }

  add(rule: Rule): void {
    this.#rules.add(rule);
    this.#version += 1;
  }

  /** True if the rule was there. */
  remove(rule: Rule): boolean {
    this.#version += 1;
    return this.#rules.delete(rule);
  }

  clear(): void {
    this.#rules.clear();
    this.#version += 1;
  }

  /** What holds on the way from `from` to `to`. */
  on(from: string, to: string): { readonly blocked: boolean; readonly at: NetworkConditions } {
    let blocked = false;
    const at = { ...this.#base };
    for (const rule of this.#rules) {
      if (rule.from?.has(from) === false || rule.to?.has(to) === false) continue;
      if (rule.blocks) blocked = true;
      else Object.assign(at, rule.conditions);
    }
    return { blocked, at };
  }
}

/** The way from one node to another. */
export class Route {
  readonly from: SimNode;
  readonly to: SimNode;
  /** Draws on this way are made of this and of `count`. */
  readonly key: number;
  readonly #weather: Weather;
  #version = 0;
  #blocked = false;
  #conditions: NetworkConditions | undefined;
  #count = 0;

  constructor(from: SimNode, to: SimNode, weather: Weather) {
    this.from = from;
    this.to = to;
    this.key = Math.imul(from.key, 0x01000193) ^ to.key;
    this.#weather = weather;
  }

  /** Whether nothing passes now. */
  get isBlocked(): boolean {
    this.#look();
    return this.#blocked;
  }

  get conditions(): NetworkConditions {
    this.#look();
    return this.#conditions as NetworkConditions;
  }

  /** The number of the next message on this way. */
  nextCount(): number {
    this.#count += 1;
    return this.#count;
  }

  #look(): void {
    if (this.#version === this.#weather.version) return;
    const { blocked, at } = this.#weather.on(this.from.name, this.to.name);
    this.#blocked = blocked;
    this.#conditions = at;
    this.#version = this.#weather.version;
  }
}
