/**
 * Zone preference: calls stay in the caller's zone, and spill over in proportion.
 *
 * A call to another zone takes longer, costs money, and fails when the link does. But a zone with
 * one endpoint out of ten must not get half of the calls. So calls stay as far as the zone has
 * capacity for its own callers: with a share of the endpoints' weight as large as its share of the
 * callers or larger, all of them; with half as much, half of them, and the rest goes to zones that
 * have more than they need, in proportion to that. An endpoint that is ejected, drains or warms up
 * is no capacity, so a zone that is ill spills over as one that is small.
 *
 * Each zone has an inner balancer of its own, which knows what is usual there.
 *
 * Guarantees: as long as callers are spread over zones as `callers` says, every unit of weight gets
 * the same number of calls, and no call leaves its zone needlessly. Does not guarantee: that a zone
 * which is slow, but answers, is relieved.
 *
 * Envoy's "Zone aware routing" has the same arithmetic.
 */
import {
  boundedString,
  callable,
  inRange,
  knownOptions,
  type Runtime,
  systemRuntime,
} from "@quorate/core";

import type { Balancer, Pick, PickRequest, Standing } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { type Candidate, candidatesOf, checkEndpoints } from "./candidates.ts";
import { checkInner } from "./named.ts";
import { standingsOf } from "./standings.ts";

/** Options of `zoned`. */
export interface ZoneOptions {
  /** The caller's own zone, as endpoints name theirs. */
  readonly zone: string;
  /** Which part of all callers is in this zone, 0 to 1. @default 1 / number of zones */
  readonly callers?: number | undefined;
  /** Where chance comes from. @default systemRuntime */
  readonly runtime?: Runtime | undefined;
}

const MAX_ZONE_BYTES = 1_024;

/**
 * Balancers made by `make`, one for each zone, with a preference for the caller's own. Throws
 * INVALID_ARGUMENT for a bad option.
 *
 * @example
 * import { balance, zoned } from "@quorate/discovery";
 * const balancer = zoned(() => balance.peakEwma(), { zone: "eu-1a" });
 */
export function zoned(make: () => Balancer, options: ZoneOptions): Balancer {
  return new Zoned(make, options);
}

/** A zone and what is in it. */
interface District {
  readonly zone: string;
  readonly inner: Balancer;
  ids: readonly string[];
  /** Of its candidates. */
  weight: number;
  /** How much more it can take than its own callers send, as a share of everything. */
  spare: number;
}

class Zoned implements Balancer {
  readonly name: string;
  readonly #make: () => Balancer;
  readonly #own: District;
  readonly #callers: number | undefined;
  readonly #runtime: Runtime;
  #endpoints: readonly Endpoint[] = [];
  #others: readonly District[] = [];
  #spare = 0;
  /** Which part of the calls stays. */
  #stay = 1;

  constructor(make: () => Balancer, options: ZoneOptions) {
    knownOptions("zones", options, ["zone", "callers", "runtime"]);
    const zone = boundedString("zone", options.zone, MAX_ZONE_BYTES);
    this.#callers =
      options.callers === undefined ? undefined : inRange("callers", options.callers, 0, 1);
    this.#make = callable("make", make);
    this.#own = this.#found(zone);
    this.name = this.#own.inner.name;
    this.#runtime = options.runtime ?? systemRuntime;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = checkEndpoints(endpoints);
    const byZone = new Map<string, Candidate[]>([[this.#own.zone, []]]);
    for (const candidate of candidatesOf(this.#endpoints)) {
      const { zone } = candidate.endpoint;
      const residents = byZone.get(zone);
      if (residents === undefined) byZone.set(zone, [candidate]);
      else residents.push(candidate);
    }
    const known = new Map([this.#own, ...this.#others].map((one) => [one.zone, one]));
    const districts = Array.from(byZone, ([zone, residents]) => {
      const district = known.get(zone) ?? this.#found(zone);
      district.ids = residents.map(({ endpoint }) => endpoint.id);
      district.weight = residents.reduce((sum, { weight }) => sum + weight, 0);
      district.inner.update(residents.map(({ endpoint }) => endpoint));
      return district;
    });
    this.#others = districts.filter((district) => district !== this.#own);
    this.#apportion(districts);
  }

  pick(request?: PickRequest): Pick | undefined {
    const away = this.#stay < 1 && this.#runtime.random.next() >= this.#stay;
    const chosen = away ? this.#elsewhere() : this.#own;
    const avoid = request?.avoid;
    if (avoid === undefined || avoid.size === 0) return chosen.inner.pick(request);
    const isFresh = ({ ids }: District): boolean => ids.some((id) => !avoid.has(id));
    const fresh = [chosen, this.#own].find(isFresh) ?? this.#drawn(this.#others.filter(isFresh));
    return (fresh ?? chosen).inner.pick(request);
  }

  standings(): readonly Standing[] {
    const total = [this.#own, ...this.#others].reduce((sum, { weight }) => sum + weight, 0);
    const rows = [this.#own, ...this.#others].flatMap((district) => {
      const part = district === this.#own ? this.#stay : this.#partOf(district);
      return district.inner.standings().map((row) => ({ ...row, share: row.share * part }));
    });
    return total === 0 ? standingsOf(this.#endpoints, []) : standingsOf(this.#endpoints, rows);
  }

  #partOf({ spare }: District): number {
    return this.#spare > 0 ? ((1 - this.#stay) * spare) / this.#spare : 0;
  }

  #found(zone: string): District {
    return { zone, inner: checkInner(this.#make()), ids: [], weight: 0, spare: 0 };
  }

  /** Who serves whom: compares each zone's capacity with its callers. */
  #apportion(districts: readonly District[]): void {
    const total = districts.reduce((sum, { weight }) => sum + weight, 0);
    const callers = districts.length === 1 ? 1 : (this.#callers ?? 1 / districts.length);
    const elsewhere = (1 - callers) / Math.max(1, this.#others.length);
    for (const district of this.#others) {
      district.spare = Math.max(0, district.weight / total - elsewhere);
    }
    this.#spare = this.#others.reduce((sum, { spare }) => sum + spare, 0);
    const capacity = this.#own.weight / total;
    // With nobody elsewhere to help, calls stay, whatever rounding says.
    const isEnough = total === 0 || capacity >= callers || this.#spare === 0;
    this.#stay = isEnough ? 1 : capacity / callers;
  }

  /** Another zone, drawn by what it can spare. */
  #elsewhere(): District {
    return this.#drawn(this.#others, ({ spare }) => spare) ?? this.#own;
  }

  /** One of `districts`, drawn by weight or another measure; undefined if that is 0 for all. */
  #drawn(
    districts: readonly District[],
    measure: (district: District) => number = ({ weight }) => weight,
  ): District | undefined {
    const total = districts.reduce((sum, district) => sum + measure(district), 0);
    let place = this.#runtime.random.next() * total;
    return districts.find((district) => (place -= measure(district)) < 0);
  }
}
