/**
 * The gossip machine: one process's part in an epidemic.
 *
 * Two mechanisms, each good at what the other is bad at. *Rumour mongering* tells news to random
 * peers each round, and reaches nearly all in O(log n) rounds for a few messages a process; it
 * forgets some. *Anti-entropy* compares with one random peer how much each knows, and sends just
 * the difference; it forgets nobody, and costs a digest even when there is nothing to tell.
 *
 * Push style tells only who has news; push-pull has everybody call somebody each round, and the
 * called one tells its news too: fewer rounds (the last ones find the rumour instead of waiting
 * for it), and idle traffic.
 *
 * Sans-I/O: `step(input, nowMs)` answers what to send and what changed. Chance is handed in.
 *
 * Guarantees: packets and memory are bounded; once messages get through, all who name each other
 * as peers know the same. Does not guarantee: order between owners, or that each version is seen.
 *
 * Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", PODC 1987; Karp,
 * Schindelhauer, Shenker, Vöcking, "Randomized Rumor Spreading", FOCS 2000.
 */
import type { Ms, Random } from "@quorate/core";
import { type FactChange, Facts } from "./facts.ts";
import type { OwnerDelta, OwnerVersion } from "./ledger.ts";
import { bytesOf, textBytes } from "./ledger.ts";
import { type GossipMessage, HEAD_BYTES, ROW_BYTES } from "./messages.ts";
import { Peers } from "./peers.ts";
import { maxRoundsOf, type Rumour, type RumourRef, Rumours } from "./rumours.ts";

/** Greatest life of an owner: milliseconds until the year 10889. */
export const MAX_LIFE: number = 2 ** 48;

/** How a process gossips. All of a group should have the same bounds. */
export interface GossipSettings {
  readonly self: string;
  readonly life: number;
  /** Who calls whom: those with news (`push`), or everybody each round (`push-pull`). */
  readonly style: "push" | "push-pull";
  /** Peers called a round. */
  readonly fanout: number;
  /** Peers who knew already, after whom a rumour is told no longer. */
  readonly stopAfter: number;
  readonly maxPacketBytes: number;
  readonly maxKeys: number;
  readonly maxOwnerBytes: number;
  readonly tombstoneMs: Ms;
  readonly keepMs: Ms;
}

/** What a machine can be told. */
export type GossipInput =
  /** A new value of one's own; `undefined` removes it. */
  | { readonly kind: "write"; readonly key: string; readonly value: string | undefined }
  /** The group is another one. */
  | { readonly kind: "peers"; readonly peers: Peers }
  /** It is time to tell rumours. */
  | { readonly kind: "round" }
  /** It is time to compare with somebody. */
  | { readonly kind: "reconcile" }
  | { readonly kind: "heard"; readonly from: string; readonly message: GossipMessage };

/** What follows. */
export type GossipEffect =
  | { readonly kind: "send"; readonly to: string; readonly message: GossipMessage }
  | { readonly kind: "changed"; readonly change: FactChange }
  /** Of oneself something is known that one never said: all is said again in a new life. */
  | { readonly kind: "reborn"; readonly life: number }
  /** Entries that are not believed: of a stranger, or over a bound. */
  | { readonly kind: "refused"; readonly count: number }
  /** A write of one's own that does not fit. */
  | { readonly kind: "full" };

/** One process. */
export class GossipMachine {
  /** What it knows. To be read; `step` writes. */
  readonly facts: Facts;
  readonly #settings: GossipSettings;
  readonly #random: Random;
  readonly #rumours: Rumours;
  #peers: Peers = Peers.NONE;
  /** Where the next part of the digest begins. */
  #digestFrom = "";

  constructor(settings: GossipSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
    this.#rumours = new Rumours(settings.stopAfter);
    this.facts = new Facts(settings);
  }

  /** Rumours that it still tells. */
  get rumours(): number {
    return this.#rumours.size;
  }

  /** One input, and what follows. */
  step(input: GossipInput, nowMs: Ms): readonly GossipEffect[] {
    switch (input.kind) {
      case "write":
        return this.#write(input.key, input.value, nowMs);
      case "peers":
        this.#peers = input.peers;
        this.facts.group(input.peers, nowMs);
        return [];
      case "round":
        return this.#round(nowMs);
      case "reconcile":
        return this.#peers.draw(1, this.#settings.self, this.#random).map((to) => ({
          kind: "send",
          to,
          message: this.#digest(),
        }));
      case "heard":
        if (!this.#peers.has(input.from)) return [{ kind: "refused", count: 1 }];
        return this.#hear(input.from, input.message, nowMs);
    }
  }

  #write(key: string, value: string | undefined, nowMs: Ms): readonly GossipEffect[] {
    const { self } = this.#settings;
    const had = this.facts.get(self, key);
    if (had?.value === value) return [];
    const entry = this.facts.own.write(key, value, nowMs);
    if (entry === undefined) return [{ kind: "full" }];
    this.#rumours.add({ owner: self, life: this.facts.own.life, entry });
    const fact = this.facts.get(self, key);
    const change: FactChange =
      fact === undefined ? { kind: "removed", owner: self, key } : { kind: "set", fact };
    return [{ kind: "changed", change }];
  }

  #round(nowMs: Ms): readonly GossipEffect[] {
    const { self, style, fanout } = this.#settings;
    const effects: GossipEffect[] = changed(this.facts.collect(nowMs));
    const rumours = this.#rumours.take(this.#room);
    const pull = style === "push-pull";
    if (rumours.length === 0 && !pull) return effects;
    for (const to of this.#peers.draw(fanout, self, this.#random)) {
      effects.push({ kind: "send", to, message: { kind: "rumours", rumours, pull } });
    }
    this.#rumours.told(rumours, maxRoundsOf(this.#peers.size));
    return effects;
  }

  #hear(from: string, message: GossipMessage, nowMs: Ms): readonly GossipEffect[] {
    const effects: GossipEffect[] = [];
    switch (message.kind) {
      case "rumours": {
        const knew = this.#learn(message.rumours, nowMs, effects);
        // What the caller just told need not be told in return.
        const own = message.pull ? this.#rumours.take(this.#room, message.rumours) : [];
        if (knew.length + own.length === 0) return effects;
        effects.push({ kind: "send", to: from, message: { kind: "knew", knew, rumours: own } });
        // Both had it: for the called one, too, it is news no more.
        if (message.pull) for (const ref of knew) this.#rumours.knew(ref);
        return effects;
      }
      case "knew":
        for (const ref of message.knew) this.#rumours.knew(ref);
        this.#learn(message.rumours, nowMs, effects);
        return effects;
      case "digest": {
        this.#answerTo(message.known, nowMs, effects);
        const answer = this.#compare(message);
        if (answer !== undefined) effects.push({ kind: "send", to: from, message: answer });
        return effects;
      }
      case "delta": {
        for (const { owner, life, through } of message.deltas) {
          this.#answerTo([{ owner, life, version: through }], nowMs, effects);
        }
        this.#apply(message.deltas, nowMs, effects);
        const { deltas } = this.#deltas(message.wanted, this.#room);
        if (deltas.length === 0) return effects;
        const answer: GossipMessage = { kind: "delta", deltas, wanted: [] };
        effects.push({ kind: "send", to: from, message: answer });
        return effects;
      }
    }
  }

  /** Takes rumours in; answers which were none. */
  #learn(rumours: readonly Rumour[], nowMs: Ms, effects: GossipEffect[]): readonly RumourRef[] {
    const knew: RumourRef[] = [];
    for (const rumour of rumours) {
      const { owner, life, entry } = rumour;
      const { key, version } = entry;
      this.#answerTo([{ owner, life, version }], nowMs, effects);
      const { changes, refused, isNews } = this.facts.learn(rumour, nowMs);
      if (isNews) this.#rumours.add(rumour);
      else knew.push({ owner, key, version });
      effects.push(...changed(changes));
      if (refused > 0) effects.push({ kind: "refused", count: refused });
    }
    return knew;
  }

  #apply(deltas: readonly OwnerDelta[], nowMs: Ms, effects: GossipEffect[]): void {
    for (const delta of deltas) {
      const { changes, refused } = this.facts.apply(delta, nowMs);
      effects.push(...changed(changes));
      if (refused > 0) effects.push({ kind: "refused", count: refused });
    }
  }

  /** Somebody knows of oneself what one never said: begins a life that is greater than that. */
  #answerTo(known: readonly OwnerVersion[], nowMs: Ms, effects: GossipEffect[]): void {
    const { own } = this.facts;
    for (const { owner, life, version } of known) {
      if (owner !== this.#settings.self || life < own.life) continue;
      if (life === own.life && version <= own.through) continue;
      if (life >= MAX_LIFE) continue;
      const entries = this.facts.reborn(life + 1, nowMs);
      for (const entry of entries) this.#rumours.add({ owner, life: life + 1, entry });
      effects.push({ kind: "reborn", life: life + 1 });
      return;
    }
  }

  /** How much is known, of as many owners as fit in a packet; the next time of the others. */
  #digest(): GossipMessage {
    const owners = [...this.facts.owners].sort();
    const from = this.#digestFrom;
    const known: OwnerVersion[] = [];
    let left = this.#room;
    let to = "";
    for (const owner of owners) {
      if (owner < from) continue;
      const row = this.facts.of(owner)?.known;
      if (row === undefined) continue;
      left -= rowBytes(row);
      if (left < 0) {
        to = owner;
        break;
      }
      known.push(row);
    }
    this.#digestFrom = to;
    return { kind: "digest", from, to, known };
  }

  /** What the sender of a digest lacks, and what one lacks oneself. */
  #compare(digest: GossipMessage & { readonly kind: "digest" }): GossipMessage | undefined {
    const { from, to, known } = digest;
    const theirs = new Map(known.map((row) => [row.owner, row]));
    const rows = [...this.facts.owners]
      .filter((owner) => owner >= from && (to === "" || owner < to))
      .map((owner) => theirs.get(owner) ?? { owner, life: 0, version: 0 });
    const wanted: OwnerVersion[] = [];
    let asked = 0;
    for (const row of known) {
      const lacking = this.facts.lacks(row);
      if (lacking === undefined) continue;
      const bytes = rowBytes(lacking);
      if (asked + bytes > this.#room / 2) break;
      asked += bytes;
      wanted.push(lacking);
    }
    const { deltas, bytes } = this.#deltas(rows, this.#room - asked);
    if (deltas.length + wanted.length === 0) return undefined;
    // One owner may need more than is left; then the questions wait for another time.
    return { kind: "delta", deltas, wanted: bytes + asked > this.#room ? [] : wanted };
  }

  /** Differences to what is known by another, as many as fit, beginning anywhere. */
  #deltas(
    rows: readonly OwnerVersion[],
    room: number,
  ): { readonly deltas: readonly OwnerDelta[]; readonly bytes: number } {
    const deltas: OwnerDelta[] = [];
    // Begin at random: of a difference larger than a packet each time another part goes out.
    const start = Math.floor(this.#random.next() * rows.length);
    let bytes = 0;
    for (let index = 0; index < rows.length; index++) {
      const row = rows[(start + index) % rows.length];
      const delta = row === undefined ? undefined : this.facts.deltaFor(row);
      if (delta === undefined) continue;
      const own = deltaBytes(delta);
      // The first one goes out even so: an owner's facts fit in a packet of their own.
      if (bytes + own > room && deltas.length > 0) continue;
      bytes += own;
      deltas.push(delta);
    }
    return { deltas, bytes };
  }

  /** Bytes of a packet for what it is about. */
  get #room(): number {
    return this.#settings.maxPacketBytes - HEAD_BYTES;
  }
}

function changed(changes: readonly FactChange[]): GossipEffect[] {
  return changes.map((change) => ({ kind: "changed", change }));
}

function rowBytes({ owner }: OwnerVersion): number {
  return ROW_BYTES + textBytes(owner);
}

function deltaBytes({ owner, entries }: OwnerDelta): number {
  return entries.reduce((sum, entry) => sum + bytesOf(entry), 2 * ROW_BYTES + textBytes(owner));
}
