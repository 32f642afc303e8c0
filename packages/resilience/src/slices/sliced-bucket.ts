/**
 * A token bucket whose rate is a slice of a fleet's.
 *
 * It follows what its tenant may use: bigger and faster with more parts, smaller with fewer, empty
 * with none. A raise brings what the free parts had saved up, nothing else; so over the whole fleet
 * permits are neither made nor counted twice.
 *
 * One thing is more than its part: a bucket holds at least one permit, or an instance with a small
 * slice could never save up a whole one. Hence the bound of the fleet: in any time `t` at most
 * `burst + instances + limit · t / perMs`.
 */
import type { KvStore, Ms, Runtime } from "@quorate/core";

import { type Rate, rateOf, toUs } from "../rate-units.ts";
import { TokenBucket } from "../token-bucket.ts";
import { PARTS } from "./fleet-record.ts";
import type { LendTerms } from "./lend.ts";
import { Tenant } from "./tenant.ts";
import type { OnStoreLost } from "./tenure.ts";

const MILLI = 1_000;

/** What the bucket's owner is told. */
export interface BucketOwner {
  /** Permits that are waited for. */
  owed(): number;
  /** The bucket's rate has changed, or the store has answered. */
  changed(): void;
  /** The store could not be asked: a code, or what was thrown. */
  storeLost(error: unknown): void;
}

/** Options of a sliced bucket. */
export interface SlicedBucketOptions {
  readonly kv: KvStore;
  readonly runtime: Runtime;
  readonly key: string;
  readonly terms: LendTerms;
  readonly periodMs: Ms;
  readonly onStoreLost: OnStoreLost;
}

/** The bucket, and the tenancy behind it. */
export class SlicedBucket {
  readonly bucket: TokenBucket;
  readonly tenant: Tenant;
  readonly #runtime: Runtime;
  readonly #rate: Rate;
  readonly #burst: number;
  readonly #owner: BucketOwner;
  #parts = 0;

  constructor(owner: BucketOwner, options: SlicedBucketOptions) {
    const { runtime, terms } = options;
    this.#owner = owner;
    this.#runtime = runtime;
    this.#rate = rateOf(terms, PARTS);
    this.#burst = terms.burst;
    const nothing = { permit: this.#rate.permit, perUs: 0, capacity: 0 };
    this.bucket = new TokenBucket(nothing, toUs(runtime.time.monotonicMs()), 0);
    this.tenant = new Tenant(
      {
        owed: () => owner.owed(),
        sliceChanged: (savings) => this.#changed(savings),
        storeLost: (error) => owner.storeLost(error),
      },
      options,
    );
  }

  /** Parts in use. */
  get parts(): number {
    return this.#parts;
  }

  /** Counts the wish for `cost` permits, and has the bucket be what may be used now. */
  want(cost: number): void {
    this.tenant.ask(cost);
    this.follow();
  }

  /** Has the bucket be what may be used now. */
  follow(): void {
    const parts = this.tenant.usable;
    if (parts !== this.#parts) this.#reshape(parts);
  }

  #changed(savings: number): void {
    this.follow();
    if (savings > 0) this.bucket.add(Math.floor((savings * this.#rate.permit) / MILLI));
    this.#owner.changed();
  }

  #reshape(parts: number): void {
    this.#parts = parts;
    const { permit, perUs } = this.#rate;
    const share = Math.floor((permit * this.#burst * parts) / PARTS);
    const capacity = parts === 0 ? 0 : Math.max(permit, share);
    const nowUs = toUs(this.#runtime.time.monotonicMs());
    this.bucket.reshape({ perUs: perUs * parts, capacity }, nowUs);
  }
}
