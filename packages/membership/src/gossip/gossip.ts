/**
 * Gossip, as its user sees it: small facts that every process of a group says of itself, and that
 * all others come to know.
 *
 * A version, a zone, a load, which shards one serves, a fingerprint of the configuration: what all
 * should know soon, and nobody needs at once. No store and no leader; a process talks to a few
 * random peers, and the time until all know grows with the logarithm of their number.
 *
 * Guarantees: once messages get through, all that name each other as peers know the same facts;
 * of a key the owner's last value stands, and a removed one does not come back.
 * Does not guarantee: when; an order between owners; that each value on the way is seen; that the
 * sender is who it says.
 */
import type { Ms, Synced } from "@quorate/core";
import type { Fact, FactChange } from "./facts.ts";

/** What a watch tells: the facts first, then `synced`, then each change. */
export type GossipEvent = FactChange | Synced;

/** Counters since the start. */
export interface GossipStats {
  /** Messages handed to the bus. */
  readonly sent: number;
  /** Messages that arrived and were believed. */
  readonly received: number;
  /** Messages that could not be read, or were too long. */
  readonly unreadable: number;
  /** Messages of who is no peer, and entries of no peer's or over a bound. */
  readonly refused: number;
  /** Messages that the bus refused, or that were not sent since too many waited. */
  readonly unsent: number;
  /** How often others knew facts of this process that it had not said. */
  readonly reborn: number;
}

/** Options of gossip. All of a group should have the same, but for `id` and `life`. */
export interface GossipOptions {
  /** Name of the group, part of its subjects. */
  readonly group: string;
  /** This process's id among the peers: one segment of a name. */
  readonly id: string;
  /**
   * The ids of the group, this one among them or not. Asked once a round. Whoever is not in it is
   * not believed, and is forgotten after `keepMs`.
   */
  readonly peers: () => readonly string[];
  /**
   * `push`: who has news tells. `push-pull`: everybody calls somebody each round, news or not;
   * fewer rounds, at the price of idle traffic. @default "push"
   */
  readonly style?: "push" | "push-pull";
  /** Peers that are told each round. @default 3 */
  readonly fanout?: number;
  /** Time between two rounds. @default 200 */
  readonly roundMs?: Ms;
  /** Time between two comparisons with a random peer: they heal what rumours miss. @default 5000 */
  readonly reconcileMs?: Ms;
  /** So many peers must have known a rumour already, before it is told no longer. @default 8 */
  readonly stopAfter?: number;
  /** Most keys of one owner. @default 64 */
  readonly maxKeys?: number;
  /** Most bytes of all facts of one owner, as JSON. @default 16384 */
  readonly maxOwnerBytes?: number;
  /** Longest message. At least 1 KiB more than `maxOwnerBytes`. @default 49152 */
  readonly maxPacketBytes?: number;
  /** How long a removal is remembered as such. Less costs traffic, not truth. @default 60000 */
  readonly tombstoneMs?: Ms;
  /** How long the facts of an owner stand after it was a peer. @default 60000 */
  readonly keepMs?: Ms;
  /**
   * Which life of this id it is: greater after each restart. If others know a greater one, it
   * becomes one more than that. @default the wall clock's milliseconds
   */
  readonly life?: number;
}

/** Gossip of one group, as one process takes part in it. */
export interface Gossip extends AsyncDisposable {
  /** The group's name. */
  readonly group: string;
  /** This process's id. */
  readonly id: string;
  /** All facts that are known, this process's own among them. */
  readonly facts: readonly Fact[];
  /** Counters. */
  readonly stats: GossipStats;
  /** Takes part from now on. Facts may be set before. @throws CLOSED, STORE_UNAVAILABLE */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Says something of this process; others hear of it from the next round on.
   *
   * @throws INVALID_ARGUMENT a bad key or value. @throws TOO_LARGE more than an owner may say.
   * @throws CLOSED
   */
  set(key: string, value: string): void;
  /** Takes a fact of this process back. @throws INVALID_ARGUMENT, CLOSED */
  remove(key: string): void;
  /** What `owner` says under `key`. */
  get(owner: string, key: string): Fact | undefined;
  /**
   * The facts, then every change. A reader that falls behind gets the last state of each fact.
   *
   * @throws CLOSED
   */
  watch(options?: {
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterableIterator<GossipEvent>;
  /** Takes part no more. Its facts stand at the others, until it is no peer of theirs. */
  close(): Promise<void>;
}
