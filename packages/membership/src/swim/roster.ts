/**
 * The roster: all other members that one member knows of, in the order in which it asks them.
 *
 * Those that live are asked one after the other through a list that is shuffled anew after each
 * round, so that each is asked at least once in two rounds, and a newcomer is put among those that
 * this round has still to ask. Those that are gone are kept apart: to be told of their death, and
 * to be tried again.
 *
 * Guarantees: at most `max` members; adding, moving, finding and drawing take constant time.
 *
 * Das, Gupta, Motivala, "SWIM", DSN 2002, section 4.3.
 */
import type { Ms, Waking } from "@quorate/core";
import type { Member, MemberState } from "../membership.ts";
import { type Digest, hashOf } from "./packet.ts";

/** A suspicion of one member at one incarnation. */
export interface Suspicion {
  readonly startMs: Ms;
  readonly minMs: Ms;
  readonly maxMs: Ms;
  /** How many others must share it for the shortest time. */
  readonly wanted: number;
  /** Who shares it, the first accuser in front. */
  readonly accusers: string[];
}

/** Another member. `wakeMs` is the end of its suspicion. */
export interface Peer extends Waking {
  readonly id: string;
  readonly hash: number;
  incarnation: number;
  state: MemberState;
  sinceMs: Ms;
  address: string;
  data: string;
  suspicion: Suspicion | undefined;
  /** It was gone already when we first heard of it: not told on, or nobody could ever forget. */
  isHearsay: boolean;
  /** When it was last told, apart from its turn, that it is accused. */
  toldMs: Ms;
  /** Index in its list. */
  place: number;
}

/** The members. */
export class Roster {
  /** Alive and suspect. Those before `#cursor` were asked in this round. */
  readonly #active: Peer[] = [];
  /** Down and left. */
  readonly #gone: Peer[] = [];
  readonly #byId = new Map<string, Peer>();
  readonly #max: number;
  readonly #random: () => number;
  #cursor = 0;

  constructor(max: number, random: () => number) {
    this.#max = max;
    this.#random = random;
  }

  /** Those that are taken to live, suspects among them. */
  get active(): readonly Peer[] {
    return this.#active;
  }

  /** Those that are down or left and not forgotten. */
  get gone(): readonly Peer[] {
    return this.#gone;
  }

  /** Whether another one can be added; makes room by forgetting one that is gone. */
  makeRoom(): boolean {
    if (this.#byId.size < this.#max) return true;
    const [first] = this.#gone;
    if (first === undefined) return false;
    this.forget(first);
    return true;
  }

  get(id: string): Peer | undefined {
    return this.#byId.get(id);
  }

  /** Adds one. Room was made before. */
  add(id: string, state: MemberState, incarnation: number, nowMs: Ms): Peer {
    const peer: Peer = {
      id,
      hash: hashOf(id),
      incarnation,
      state,
      sinceMs: nowMs,
      address: "",
      data: "",
      suspicion: undefined,
      isHearsay: isGone(state),
      toldMs: -Infinity,
      place: -1,
      wakeMs: 0,
      heapIndex: -1,
    };
    this.#byId.set(id, peer);
    this.#insert(peer);
    return peer;
  }

  /** Another state, from now. */
  move(peer: Peer, state: MemberState, nowMs: Ms): void {
    const changesList = isGone(state) !== isGone(peer.state);
    if (changesList) this.#remove(peer);
    peer.state = state;
    peer.sinceMs = nowMs;
    peer.isHearsay = false;
    if (changesList) this.#insert(peer);
  }

  /** Removes one that is gone. */
  forget(peer: Peer): void {
    this.#remove(peer);
    this.#byId.delete(peer.id);
  }

  /** Forgets who has been gone since before `beforeMs`. */
  forgetBefore(beforeMs: Ms): void {
    for (let index = this.#gone.length - 1; index >= 0; index--) {
      const peer = this.#gone[index];
      if (peer !== undefined && peer.sinceMs <= beforeMs) this.forget(peer);
    }
  }

  /** Whose turn it is to be asked. */
  nextToProbe(): Peer | undefined {
    if (this.#cursor >= this.#active.length) {
      this.#shuffle();
      this.#cursor = 0;
    }
    const peer = this.#active[this.#cursor];
    this.#cursor += 1;
    return peer;
  }

  /** Up to `count` different living members by chance, none of them `but`. */
  draw(count: number, but?: Peer): Peer[] {
    const drawn: Peer[] = [];
    const list = this.#active;
    const wanted = Math.min(count, list.length - (but === undefined ? 0 : 1));
    // In a small list chance meets the same one often: a bounded number of tries, then the rest.
    for (let tries = 0; drawn.length < wanted && tries < 4 * count; tries++) {
      const peer = list[Math.floor(this.#random() * list.length)];
      if (peer !== undefined && peer !== but && !drawn.includes(peer)) drawn.push(peer);
    }
    for (let index = 0; drawn.length < wanted; index++) {
      const peer = list[index];
      if (peer !== undefined && peer !== but && !drawn.includes(peer)) drawn.push(peer);
    }
    return drawn;
  }

  /** One of those that are gone, by chance. */
  drawGone(): Peer | undefined {
    return this.#gone[Math.floor(this.#random() * this.#gone.length)];
  }

  /** What two tables are compared by: who lives, in which incarnation, `self` included. */
  digest(selfHash: number, selfIncarnation: number): Digest {
    let low = mixed(selfHash, selfIncarnation);
    let high = mixed(~selfHash, selfIncarnation);
    for (const { hash, incarnation } of this.#active) {
      low = (low + mixed(hash, incarnation)) | 0;
      high = (high + mixed(~hash, incarnation)) | 0;
    }
    return { count: this.#active.length + 1, low: low >>> 0, high: high >>> 0 };
  }

  #insert(peer: Peer): void {
    if (isGone(peer.state)) {
      peer.place = this.#gone.length;
      this.#gone.push(peer);
      return;
    }
    const list = this.#active;
    const last = list.length;
    const left = last - Math.min(this.#cursor, last) + 1;
    const place = last - Math.floor(this.#random() * left);
    const displaced = list[place];
    if (displaced !== undefined) this.#put(list, displaced, last);
    this.#put(list, peer, place);
  }

  #remove(peer: Peer): void {
    const list = isGone(peer.state) ? this.#gone : this.#active;
    let { place } = peer;
    if (list === this.#active && place < this.#cursor) {
      // The hole moves to the border first, so that nobody who was not asked counts as asked.
      this.#cursor -= 1;
      const border = list[this.#cursor];
      if (border !== undefined && border !== peer) this.#put(list, border, place);
      place = this.#cursor;
    }
    const last = list.pop();
    if (last !== undefined && last !== peer && place < list.length) this.#put(list, last, place);
  }

  #put(list: Peer[], peer: Peer, place: number): void {
    list[place] = peer;
    peer.place = place;
  }

  #shuffle(): void {
    const list = this.#active;
    for (let index = list.length - 1; index > 0; index--) {
      const other = Math.floor(this.#random() * (index + 1));
      const [left, right] = [list[index], list[other]];
      if (left === undefined || right === undefined) continue;
      this.#put(list, left, other);
      this.#put(list, right, index);
    }
  }
}

/** Whether a member in `state` takes part no more. */
export function isGone(state: MemberState): boolean {
  return state === "down" || state === "left";
}

/** As others see it. */
export function memberOf(peer: Peer): Member {
  const { id, incarnation, state, sinceMs, address, data } = peer;
  return { id, incarnation, state, sinceMs, address, data };
}

function mixed(hash: number, incarnation: number): number {
  let mix = Math.imul(hash ^ (incarnation >>> 0), 0x9e3779b1);
  mix = Math.imul(mix ^ (mix >>> 15) ^ Math.floor(incarnation / 2 ** 32), 0x85ebca6b);
  return mix ^ (mix >>> 13);
}
