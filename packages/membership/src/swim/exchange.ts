/**
 * How news and whole tables get round: rounds of gossip, comparisons of tables, and tries to reach
 * those that are down.
 *
 * Gossip is fast and forgets. So each member compares its table with another's from time to time,
 * by a hash; where the hashes differ both send their tables, in packets like any other. It does so
 * sooner while comparisons bring something new, and more rarely while they do not. And each member
 * tries now and then a seed, or one that it holds for down: two halves of a partition know nobody
 * alive on the other side, and this is how they find each other again.
 *
 * Guarantees: what everybody does for everybody is rarer in large groups, so that neither the dead
 * nor the suspected are flooded. Bounds: 64 packets per table, from a random place on, and
 * `MAX_STATES_PER_S` of them a second; who gets less asks another one soon.
 */
import type { Ms } from "@quorate/core";
import type { Ground } from "./ground.ts";
import type { News } from "./news.ts";
import { writeNews } from "./news.ts";
import {
  headBytes,
  MAX_PACKET_BYTES,
  SEAL_BYTES,
  type Sender,
  type SwimMessage,
} from "./packet.ts";
import type { Peer } from "./roster.ts";

/** Most packets of one table. */
const MAX_TABLE_PACKETS = 64;
/** Most packets of tables that a member sends in a second; beyond, one per question. */
const MAX_STATES_PER_S = 1_024;
/** Questions for tables that are remembered. */
const MAX_ASKED = 16;
/** Seeds asked at once. */
const MAX_SEEDS_AT_ONCE = 8;
/** Rounds of gossip for which a member that leaves says so. */
const GOODBYES = 3;

/** Gossip, tables and rejoining of one member. */
export class Exchange {
  readonly #ground: Ground;
  /** Our questions for tables, by number: only who was asked may ask for ours. */
  readonly #asked = new Set<number>();
  #gossipMs: Ms = Infinity;
  #syncMs: Ms = Infinity;
  #rejoinMs: Ms = Infinity;
  #syncEveryMs: Ms;
  #goodbyes = 0;
  /** Something new was in a table since the last question. */
  #learnt = false;
  #statesMs: Ms = -Infinity;
  #states = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#syncEveryMs = ground.timing.probeIntervalMs;
  }

  /** When something is due. */
  get wakeMs(): Ms {
    return Math.min(this.#gossipMs, this.#syncMs, this.#rejoinMs);
  }

  /** Asks the seeds who is there. */
  start(): void {
    const { nowMs, random } = this.#ground;
    this.#rejoinMs = nowMs;
    this.#syncMs = nowMs + (1 + random()) * this.#syncEveryMs;
  }

  /** What is overdue is due now, and not late any more. */
  wake(): void {
    const { nowMs } = this.#ground;
    this.#gossipMs = Math.max(this.#gossipMs, nowMs);
    this.#syncMs = Math.max(this.#syncMs, nowMs);
    this.#rejoinMs = Math.max(this.#rejoinMs, nowMs);
  }

  stop(): void {
    this.#gossipMs = this.#syncMs = this.#rejoinMs = Infinity;
  }

  /** Says goodbye at once to some, and then in a few rounds. */
  depart(): void {
    const { roster, timing, nowMs } = this.#ground;
    this.stop();
    for (const peer of roster.draw(2 * timing.gossipNodes)) this.#gossipTo(peer);
    this.#goodbyes = GOODBYES;
    this.#gossipMs = nowMs + timing.gossipIntervalMs;
  }

  /** After each step: is there something to tell? */
  arm(): void {
    const { queue, suspicions, timing, nowMs, random } = this.#ground;
    if (this.#gossipMs !== Infinity || this.#rejoinMs === Infinity) return;
    if (queue.size === 0 && suspicions.size === 0) return;
    this.#gossipMs = nowMs + timing.gossipIntervalMs * (0.5 + 0.5 * random());
  }

  due(): void {
    const { nowMs } = this.#ground;
    if (nowMs >= this.#gossipMs) this.#gossip();
    if (nowMs >= this.#syncMs) this.#sync();
    if (nowMs >= this.#rejoinMs) this.#rejoin();
  }

  /** Something in a table was new. */
  learnt(): void {
    this.#learnt = true;
  }

  answerSync(from: Sender, message: SwimMessage & { kind: "sync" }): void {
    const ground = this.#ground;
    const { self, selfHash, roster } = ground;
    const { count, low, high } = roster.digest(selfHash, self.incarnation);
    const { digest } = message;
    if (digest.count !== count || digest.low !== low || digest.high !== high) {
      return this.#sendTable(from, message.seq, true);
    }
    // A word at least: who asked wants to know that we are here.
    const answer = { kind: "state", seq: message.seq, wants: false } as const;
    ground.sendNews(from.address, answer, this.#opening(from.id));
  }

  /** A part of a table has come, and been taken in. */
  hearState(from: Sender, { seq, wants }: SwimMessage & { kind: "state" }): void {
    if (!this.#asked.delete(seq) || !wants) return;
    this.#sendTable(from, seq, false);
  }

  #gossip(): void {
    const ground = this.#ground;
    const { roster, queue, suspicions, timing, nowMs, random } = ground;
    this.#gossipMs = Infinity;
    if (queue.size > 0) {
      for (const peer of roster.draw(timing.gossipNodes)) this.#gossipTo(peer);
      const dead = roster.drawGone();
      const isFresh = dead !== undefined && nowMs - dead.sinceMs < timing.gossipToDeadMs;
      if (isFresh && random() * ground.size < timing.gossipNodes) this.#gossipTo(dead);
    }
    // Each suspect hears from the whole group together as often as from one member in person.
    const chance = (timing.gossipNodes * suspicions.size) / ground.size;
    if (suspicions.size > 0 && random() < chance) {
      const suspects = [...suspicions];
      const suspect = suspects[Math.floor(random() * suspects.length)];
      if (suspect !== undefined) this.#gossipTo(suspect);
    }
    if (this.#goodbyes === 0) return;
    this.#goodbyes -= 1;
    if (this.#goodbyes > 0) this.#gossipMs = nowMs + timing.gossipIntervalMs;
    else ground.effects.push({ kind: "departed" });
  }

  #gossipTo(peer: Peer): void {
    const ground = this.#ground;
    if (peer.address === "") return;
    ground.send(peer.address, { kind: "gossip", seq: ground.nextSeq() }, peer);
  }

  #sync(): void {
    const { roster, timing, nowMs, scale, random } = this.#ground;
    // What brings news is done again soon.
    const longestMs = timing.syncIntervalMs * scale;
    const shortestMs = timing.probeIntervalMs * scale;
    this.#syncEveryMs = Math.min(longestMs, this.#syncEveryMs * (this.#learnt ? 0.5 : 2));
    this.#syncEveryMs = Math.max(shortestMs, this.#syncEveryMs);
    this.#learnt = false;
    this.#syncMs = nowMs + this.#syncEveryMs * (0.75 + 0.5 * random());
    const [peer] = roster.draw(1);
    if (peer !== undefined && peer.address !== "") this.#ask(peer.address, peer.id);
  }

  /** Asks a seed or one that is down; while alone, all seeds and often. */
  #rejoin(): void {
    const { roster, timing, nowMs, random, size } = this.#ground;
    roster.forgetBefore(nowMs - timing.forgetAfterMs);
    const isAlone = roster.active.length === 0;
    const everyMs = isAlone ? timing.probeIntervalMs : timing.rejoinIntervalMs;
    this.#rejoinMs = nowMs + everyMs * (0.75 + 0.5 * random());
    const down = roster.drawGone();
    const isTried = down?.state === "down" && down.address !== "";
    const chance = isAlone ? 1 : (timing.gossipNodes * roster.gone.length) / size;
    if (isTried && random() < chance) this.#ask(down.address, down.id);
    const seeds = this.#strangeSeeds();
    const first = Math.floor(random() * seeds.length);
    const count = Math.min(seeds.length, isAlone ? MAX_SEEDS_AT_ONCE : 1);
    for (let index = 0; index < count; index++) {
      const seed = seeds[(first + index) % seeds.length];
      if (seed !== undefined && seed !== down?.address) this.#ask(seed);
    }
  }

  /** Seeds at which nobody lives whom we know. There are few, so each is looked for. */
  #strangeSeeds(): readonly string[] {
    const { settings, roster } = this.#ground;
    const strange = new Set(settings.seeds);
    strange.delete(settings.address);
    if (strange.size === 0) return [];
    for (const { address } of roster.active) strange.delete(address);
    return [...strange];
  }

  #ask(address: string, about = ""): void {
    const ground = this.#ground;
    const { self, selfHash, roster } = ground;
    const seq = ground.nextSeq();
    this.#asked.add(seq);
    if (this.#asked.size > MAX_ASKED) {
      const [oldest] = this.#asked;
      if (oldest !== undefined) this.#asked.delete(oldest);
    }
    const digest = roster.digest(selfHash, self.incarnation);
    ground.sendNews(address, { kind: "sync", seq, digest }, this.#opening(about));
  }

  /** Who we are, and what `id` must know to defend itself. */
  #opening(id: string): Uint8Array[] {
    const ground = this.#ground;
    const news = [writeNews(ground.selfNews())];
    const peer = ground.roster.get(id);
    if (peer !== undefined && peer.state !== "alive") {
      news.push(writeNews(ground.accusationOf(peer)));
    }
    return news;
  }

  /** All that is known, in packets. */
  #sendTable({ id, address }: Sender, seq: number, wants: boolean): void {
    const ground = this.#ground;
    const message = { kind: "state", seq, wants } as const;
    const room = MAX_PACKET_BYTES - SEAL_BYTES - headBytes(ground.sender, message);
    let packets = this.#statesLeft();
    let news = this.#opening(id);
    let left = room - news.reduce((sum, { length }) => sum + length, 0);
    for (const record of this.#records()) {
      const bytes = writeNews(record);
      if (bytes.length > left) {
        this.#sendPart(address, message, news);
        packets -= 1;
        if (packets === 0) return;
        [news, left] = [[], room];
      }
      news.push(bytes);
      left -= bytes.length;
    }
    this.#sendPart(address, message, news);
  }

  #sendPart(to: string, message: SwimMessage, news: readonly Uint8Array[]): void {
    this.#states += 1;
    this.#ground.sendNews(to, message, news);
  }

  /** Packets that may be spent on a table now. */
  #statesLeft(): number {
    const { nowMs } = this.#ground;
    if (nowMs - this.#statesMs >= 1_000) {
      this.#statesMs = nowMs;
      this.#states = 0;
    }
    return Math.max(1, Math.min(MAX_TABLE_PACKETS, MAX_STATES_PER_S - this.#states));
  }

  *#records(): Generator<News> {
    const ground = this.#ground;
    const { active, gone } = ground.roster;
    const all = active.length + gone.length;
    const first = Math.floor(ground.random() * all);
    for (let index = 0; index < all; index++) {
      const at = (first + index) % all;
      const peer = at < active.length ? active[at] : gone[at - active.length];
      if (peer !== undefined && !peer.isHearsay && peer.address !== "") yield ground.recordOf(peer);
    }
  }
}
