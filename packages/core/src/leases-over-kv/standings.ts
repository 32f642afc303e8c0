/**
 * The claims that stand in line in this process for one name, and when they owe an answer.
 */
import type { Deferred } from "../abort.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Ms } from "../waist/common.ts";
import type { Grant } from "../waist/leases.ts";
import type { Input } from "./line.ts";
import type { Claim, LeaseRecord } from "./record.ts";

/** A claim that stands in line here. */
export interface Standing {
  readonly claim: Claim;
  readonly granted: Deferred<Grant>;
  /** Its caller has given up: it must not begin to stand any more. */
  gone: boolean;
}

/** Those asked for a sign of life answer within this much for each in line, not all at once. */
const ANSWER_SPREAD_MS = 10;
const LONGEST_ANSWER_MS = 2_000;

/** Who stands here. One owner may stand more than once: it is the same claim. */
export class Standings {
  readonly #runtime: Runtime;
  readonly #standing = new Map<string, Set<Standing>>();
  #rolls = 0;
  #rollCallSeenMs: Ms = 0;
  #answerAtMs: Ms = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get isEmpty(): boolean {
    return this.#standing.size === 0;
  }

  /** When a roll call was last seen, or the first claim began to stand. */
  get rollCallSeenMs(): Ms {
    return this.#rollCallSeenMs;
  }

  /** When the answer to the last roll call is due. */
  get answerAtMs(): Ms {
    return this.#answerAtMs;
  }

  has(owner: string): boolean {
    return this.#standing.has(owner);
  }

  add(standing: Standing): void {
    if (standing.gone) return;
    if (this.isEmpty) this.#rollCallSeenMs = this.#runtime.time.monotonicMs();
    const { owner } = standing.claim;
    const same = this.#standing.get(owner) ?? new Set();
    this.#standing.set(owner, same.add(standing));
  }

  remove(standing: Standing): void {
    standing.gone = true;
    const { owner } = standing.claim;
    const same = this.#standing.get(owner);
    same?.delete(standing);
    if (same?.size === 0) this.#standing.delete(owner);
  }

  /** Takes note of roll calls in `record`. */
  see(record: LeaseRecord): void {
    if (record.rolls === this.#rolls) return;
    this.#rolls = record.rolls;
    this.#rollCallSeenMs = this.#runtime.time.monotonicMs();
    const spreadMs = Math.min(LONGEST_ANSWER_MS, record.line.size * ANSWER_SPREAD_MS);
    this.#answerAtMs = this.#rollCallSeenMs + this.#runtime.random.next() * spreadMs;
  }

  /** The claims as inputs. Taken again, each is a sign of life and changes nothing else. */
  inputs(): Input[] {
    return [...this.#claims()].map((claim) => ({ kind: "claim", claim, wait: true }));
  }

  /** The same, without those that are in line and whose answer to a roll call can wait. */
  dueInputs(record: LeaseRecord): Input[] {
    if (this.#runtime.time.monotonicMs() >= this.#answerAtMs) return this.inputs();
    const inputs: Input[] = [];
    for (const claim of this.#claims()) {
      const waiter = record.line.get(claim.owner);
      if (waiter?.skipped !== false) inputs.push({ kind: "claim", claim, wait: true });
    }
    return inputs;
  }

  /** Tells those whom `grantOf` knows a grant for, and lets them go. */
  grant(grantOf: (owner: string) => Grant | undefined): void {
    for (const [owner, same] of this.#standing) {
      const grant = grantOf(owner);
      if (grant === undefined) continue;
      this.#standing.delete(owner);
      for (const standing of same) standing.granted.resolve(grant);
    }
  }

  /** Tells everybody that waiting has become pointless. */
  fail(error: unknown): void {
    for (const same of this.#standing.values()) {
      for (const standing of same) standing.granted.reject(error);
    }
    this.#standing.clear();
  }

  *#claims(): Iterable<Claim> {
    for (const same of this.#standing.values()) {
      for (const standing of same) {
        yield standing.claim;
        break;
      }
    }
  }
}
