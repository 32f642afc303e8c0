/**
 * Which lives of clients have ended: whose calls are orphans?
 *
 * Each life of a client (one `client()` in one process) holds a lease under the client's name and
 * sends that lease's fencing token, its epoch, with its calls. Three things end a life: its lease
 * was given back (it said goodbye), its lease expired (it died, or was away so long that it must
 * count as dead), or another life of the same name has a greater epoch (it was restarted).
 *
 * A store that is away ends nobody. When it comes back many leases have expired at once, and their
 * holders are alive and claim anew, under the same life and a greater epoch; so an expiry that is
 * learnt near an outage is only a suspicion, which lasts for a grace time and is lifted by such a
 * claim. Stale is not dead.
 *
 * Sans-I/O: it is handed the events of the watch and the calls that arrive, and says what to abort.
 *
 * Guarantees: a life that holds its lease is never called dead; memory is bounded by `maxLives`,
 * the longest known forgotten first. Does not guarantee that a dead life's calls have no effect:
 * its handlers are told to stop. What must not happen twice needs a key or a fencing token.
 *
 * Tanenbaum and van Steen, "Distributed Systems", section on RPC with client crashes: reincarnation
 * and expiration. Nelson, "Remote Procedure Call", 1981.
 */
import type { FencingToken, Ms } from "@quorate/core";

/** Why calls are aborted. */
export type OrphanReason = "released" | "expired" | "reincarnated";

/** Calls to abort, with the reason. */
export type Verdict =
  | {
      /** All calls of one life, up to this epoch, and those that told none. */
      readonly kind: "life";
      readonly life: string;
      readonly epoch: FencingToken;
      readonly reason: OrphanReason;
    }
  | {
      /** All calls under this name with a smaller epoch, except those of `life`. */
      readonly kind: "name";
      readonly name: string;
      readonly life: string;
      readonly epoch: FencingToken;
      readonly reason: OrphanReason;
    };

/** Who calls. */
export interface Caller {
  /** Its life: random, never used again. */
  readonly id: string;
  /** The name that its lives share. */
  readonly name: string;
  /** Its epoch; `undefined`: it had none when it called. */
  readonly epoch: FencingToken | undefined;
}

/** A claim of a client's lease, as the watch tells of it; the owner is the life. */
export interface Claim {
  readonly name: string;
  readonly life: string;
  readonly epoch: FencingToken;
}

/** Bounds. */
export interface EpochOptions {
  /** How long an expiry near an outage is only a suspicion. */
  readonly graceMs: Ms;
  /** Lives and names remembered, each. */
  readonly maxLives: number;
}

/** How long after the end of a life its calls may be on their way; later ones are not late. */
const LATE_MS = 2_000;

interface Suspicion extends Claim {
  readonly atMs: Ms;
}

/** What is known of clients' lives. */
export class ClientEpochs {
  readonly #options: EpochOptions;
  /** The last epoch of lives that ended: their late calls are orphans as they arrive. */
  readonly #ended = new Map<string, { readonly epoch: FencingToken; readonly atMs: Ms }>();
  /** The greatest epoch of each name, and whose it is. */
  readonly #greatest = new Map<string, { readonly life: string; readonly epoch: FencingToken }>();
  /** By life, oldest first. */
  readonly #suspects = new Map<string, Suspicion>();
  #link: { readonly kind: "up"; readonly sinceMs: Ms } | { readonly kind: "stale" } = {
    kind: "up",
    sinceMs: -Infinity,
  };

  constructor(options: EpochOptions) {
    this.#options = options;
  }

  /** True while the watch cannot see the store: nobody new is found dead. */
  get isStale(): boolean {
    return this.#link.kind === "stale";
  }

  /** A call arrived: why it is an orphan already; `undefined`: it is none. */
  seen({ id, name, epoch }: Caller, nowMs: Ms): OrphanReason | undefined {
    if (epoch === undefined) return undefined; // It had no lease to lose.
    const ended = this.#ended.get(id);
    // Where observers judge expiry, a holder that was away may renew what they had given up, and
    // they are told nothing. The dead send nothing; so who goes on sending is alive.
    const isLate = ended !== undefined && nowMs <= ended.atMs + LATE_MS;
    if (isLate && epoch <= ended.epoch) return "expired";
    const greatest = this.#greatest.get(name);
    const isOlder = greatest !== undefined && greatest.life !== id && epoch < greatest.epoch;
    return isOlder ? "reincarnated" : undefined;
  }

  /** A claim was granted. */
  granted({ name, life, epoch }: Claim, nowMs: Ms): readonly Verdict[] {
    this.#suspects.delete(life); // It is alive, and was all the time.
    this.#ended.delete(life);
    const greatest = this.#greatest.get(name);
    if (greatest !== undefined && greatest.epoch >= epoch) return [];
    this.#remember(this.#greatest, name, { life, epoch });
    if (name === life) return []; // Nobody else has it.
    const others: Verdict = { kind: "name", name, life, epoch, reason: "reincarnated" };
    if (greatest === undefined || greatest.life === life) return [others];
    // Its calls may have told no epoch: it had none yet when they were sent.
    return [this.#end(greatest.life, greatest.epoch, "reincarnated", nowMs), others];
  }

  /** A claim ended. */
  ended(
    { name, life, epoch }: Claim,
    how: "released" | "expired" | "unknown",
    nowMs: Ms,
  ): readonly Verdict[] {
    const greatest = this.#greatest.get(name);
    if (greatest?.life === life && greatest.epoch > epoch) return []; // It has a newer one.
    if (how !== "released" && this.#isUncertain(nowMs)) {
      this.#suspects.delete(life);
      this.#remember(this.#suspects, life, { name, life, epoch, atMs: nowMs });
      return [];
    }
    return [this.#end(life, epoch, how === "released" ? "released" : "expired", nowMs)];
  }

  /** The watch has lost sight of the store. */
  stale(): void {
    this.#link = { kind: "stale" };
  }

  /** The watch sees the store again, or for the first time. */
  synced(nowMs: Ms): void {
    if (this.#link.kind === "stale") this.#link = { kind: "up", sinceMs: nowMs };
  }

  /** When a suspicion may come true; Infinity: there is none. */
  dueMs(): Ms {
    const [oldest] = this.#suspects.values();
    if (oldest === undefined || this.isStale) return Infinity;
    return Math.max(oldest.atMs, this.#upSinceMs()) + this.#options.graceMs;
  }

  /** Suspicions that have come true: nobody has lifted them for the grace time. */
  due(nowMs: Ms): readonly Verdict[] {
    const verdicts: Verdict[] = [];
    while (this.dueMs() <= nowMs) {
      const [oldest] = this.#suspects.values();
      if (oldest === undefined) break;
      this.#suspects.delete(oldest.life);
      verdicts.push(this.#end(oldest.life, oldest.epoch, "expired", nowMs));
    }
    return verdicts;
  }

  #end(life: string, epoch: FencingToken, reason: OrphanReason, atMs: Ms): Verdict {
    this.#suspects.delete(life);
    this.#remember(this.#ended, life, { epoch, atMs });
    return { kind: "life", life, epoch, reason };
  }

  #isUncertain(nowMs: Ms): boolean {
    return this.isStale || nowMs < this.#upSinceMs() + this.#options.graceMs;
  }

  #upSinceMs(): Ms {
    return this.#link.kind === "up" ? this.#link.sinceMs : Infinity;
  }

  /** Forgets what was remembered first when there is no more room. */
  #remember<V>(map: Map<string, V>, key: string, value: V): void {
    map.delete(key);
    map.set(key, value);
    if (map.size <= this.#options.maxLives) return;
    const [first] = map.keys();
    if (first !== undefined) map.delete(first);
  }
}
