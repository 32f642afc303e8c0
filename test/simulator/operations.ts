/**
 * Random operations of the waist, in symbols: what a client asks, whoever answers.
 *
 * Keys, owners and revisions have names that mean the same on both sides of a comparison; the
 * generator knows nothing of answers, so one seed gives one list.
 */
import type { Random } from "@quorate/core";

/** How many clients take part. */
export const CLIENTS = 3;

/** The revision of a key as some operation left it: `at` is that operation's number. */
export type RevisionRef = { readonly at: number } | "absent";

/** One thing that a client asks. `n` numbers the operations of a sequence. */
export type Operation = { readonly n: number; readonly client: number } & Ask;

type Ask =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: string;
      readonly expect: RevisionRef | undefined;
      readonly operationId: string;
    }
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "delete"; readonly key: string; readonly expect: RevisionRef | undefined }
  | { readonly kind: "list"; readonly collection: string; readonly pageSize: number }
  | {
      readonly kind: "fence";
      readonly key: string;
      readonly token: number;
      readonly payload: string | undefined;
    }
  | { readonly kind: "acquire"; readonly claim: Claim; readonly waitMs: number }
  | { readonly kind: "renew"; readonly owners: readonly string[] }
  | { readonly kind: "release"; readonly owner: string; readonly byOwnerAlone: boolean }
  | { readonly kind: "abort"; readonly owner: string }
  | { readonly kind: "inspect"; readonly name: string }
  | { readonly kind: "list leases"; readonly prefix: string }
  | { readonly kind: "subscribe"; readonly target: string; readonly queue: string | undefined }
  | { readonly kind: "publish"; readonly subject: string; readonly text: string }
  | { readonly kind: "request"; readonly subject: string; readonly text: string }
  | { readonly kind: "reopen" }
  /** A put with a retention that is over when the operation ends. */
  | { readonly kind: "lapse of a key"; readonly key: string }
  /** A lease whose time is over when the operation ends. */
  | { readonly kind: "lapse of a lease"; readonly claim: Claim };

/** A claim on a lease. Everything but the name is drawn from the owner, so asking again is. */
export interface Claim {
  readonly name: string;
  readonly owner: string;
  readonly weight: number;
  readonly capacity: number;
  readonly fair: boolean;
}

const KEYS = ["solo", "a/1", "a/2", "a/b/1", "z/é"];
const NAMES: readonly (readonly [string, number])[] = [
  ["l/1", 1],
  ["l/2", 1],
  ["s/1", 3],
];
const SUBJECTS = ["news", "t/1", "t/2"];

/** Draws sequences. */
export class Generator {
  readonly #random: Random;
  readonly #claims: Claim[] = [];
  readonly #put: string[] = [];
  /** The operation that last asked to put each key. */
  readonly #lastPut = new Map<string, number>();
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next operation of this sequence. */
  next(): Operation {
    this.#number += 1;
    return { n: this.#number, client: this.#below(CLIENTS), ...this.#ask() };
  }

  #ask(): Ask {
    const die = this.#random.next();
    if (die < 0.22) return this.#putting();
    if (die < 0.27) return { kind: "get", key: this.#of(KEYS) };
    if (die < 0.34) return this.#deleting();
    if (die < 0.38) {
      return {
        kind: "list",
        collection: this.#of(["", "a", "a/b", "z"]),
        pageSize: 1 + this.#below(3),
      };
    }
    if (die < 0.42) return this.#fencing();
    if (die < 0.6) return this.#acquiring();
    if (die < 0.66) return { kind: "renew", owners: [this.#owner(), this.#owner()] };
    if (die < 0.76) {
      return { kind: "release", owner: this.#owner(), byOwnerAlone: this.#random.next() < 0.3 };
    }
    if (die < 0.79) return { kind: "abort", owner: this.#owner() };
    if (die < 0.83) return { kind: "inspect", name: this.#of(NAMES)[0] };
    if (die < 0.85) return { kind: "list leases", prefix: this.#of(["", "l/"]) };
    if (die < 0.89) return this.#subscribing();
    if (die < 0.93) return { kind: "publish", subject: this.#of(SUBJECTS), text: this.#text() };
    if (die < 0.97) return { kind: "request", subject: this.#of(SUBJECTS), text: this.#text() };
    if (die < 0.984) return { kind: "reopen" };
    if (die < 0.992) return { kind: "lapse of a key", key: this.#of(KEYS) };
    return { kind: "lapse of a lease", claim: this.#newClaim() };
  }

  #putting(): Ask {
    const isReplay = this.#put.length > 0 && this.#random.next() < 0.15;
    const operationId = isReplay ? this.#of(this.#put) : `op-${this.#number}`;
    if (!isReplay) this.#put.push(operationId);
    const key = this.#of(KEYS);
    const expect = this.#expect(key);
    this.#lastPut.set(key, this.#number);
    return { kind: "put", key, value: this.#text(), expect, operationId };
  }

  #deleting(): Ask {
    const key = this.#of(KEYS);
    return { kind: "delete", key, expect: this.#expect(key) };
  }

  #fencing(): Ask {
    const payload = this.#random.next() < 0.5 ? this.#text() : undefined;
    return { kind: "fence", key: this.#of(["f/1", "a/1"]), token: 1 + this.#below(9), payload };
  }

  #acquiring(): Ask {
    const again = this.#claims.length > 0 && this.#random.next() < 0.15;
    const claim = again ? this.#of(this.#claims) : this.#newClaim();
    const die = this.#random.next();
    return { kind: "acquire", claim, waitMs: die < 0.3 ? 0 : die < 0.35 ? 60 : 600_000 };
  }

  #subscribing(): Ask {
    const target = this.#of([...SUBJECTS, "t/", ""]);
    // A name of its own for each target: whether equal names on two targets are one queue differs.
    const queue = this.#random.next() < 0.5 ? `q${target.replaceAll("/", "-")}` : undefined;
    return { kind: "subscribe", target, queue };
  }

  #newClaim(): Claim {
    const [name, capacity] = this.#of(NAMES);
    const weight = 1 + this.#below(capacity);
    const fair = this.#random.next() < 0.85;
    const claim = { name, owner: `o${this.#number}`, weight, capacity, fair };
    this.#claims.push(claim);
    return claim;
  }

  #expect(key: string): RevisionRef | undefined {
    const die = this.#random.next();
    if (die < 0.35) return undefined;
    if (die < 0.6) return "absent";
    const last = this.#lastPut.get(key);
    if (die < 0.9 && last !== undefined) return { at: last };
    return { at: Math.max(1, this.#number - this.#below(12)) };
  }

  #owner(): string {
    // Mostly a late one: early claims are long over.
    const late = this.#claims.slice(-6);
    return late.length === 0 ? "nobody" : this.#of(late).owner;
  }

  #text(): string {
    return `v${this.#number}`;
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count);
  }

  #of<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }
}
