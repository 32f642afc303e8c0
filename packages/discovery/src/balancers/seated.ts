/**
 * What all kinds of balancers have in common: endpoints have seats, picks are counted and end
 * once, and a chooser decides.
 *
 * Guarantees: never an endpoint that was not in the last update; measures of endpoints that stay
 * are kept, and those of one that goes until its last pick has ended; `avoid` is respected where
 * there are others. Does not guarantee: that a pick which never ends is forgotten. Whoever picks
 * ends; a call without a deadline counts for ever.
 */
import type { Ms, Time } from "@quorate/core";

import type { Balancer, Pick, PickOutcome, PickRequest, Standing } from "../balancer.ts";
import type { Endpoint } from "../endpoint.ts";
import { candidatesOf, checkEndpoints } from "./candidates.ts";
import { Field, Seat } from "./seat.ts";

/** How one kind of balancer chooses. A pure machine: time is handed in. */
export interface Chooser<M> {
  readonly name: string;
  /** Whether it wants to know the time; else it is told 0, for a look at the clock costs more. */
  readonly isTimed: boolean;
  /** Of an endpoint that is not known. */
  newMeasure(): M;
  /** These are the seats from now on. */
  update?(field: Field<M>): void;
  /** One seat of `field`, which is all of them, or those that `request` does not avoid. */
  choose(field: Field<M>, nowMs: Ms, request: PickRequest | undefined): Seat<M>;
  /** A pick of `seat` that began at `beganMs` has ended. */
  ended?(seat: Seat<M>, outcome: PickOutcome, beganMs: Ms, nowMs: Ms): void;
  /** What a call is expected to take. */
  latencyMs?(seat: Seat<M>, nowMs: Ms): Ms | undefined;
}

/** Shares are told of about so many picks. */
const RECENT = 1_024;

/** A balancer of any kind. */
export class SeatedBalancer<M> implements Balancer {
  readonly name: string;
  readonly #chooser: Chooser<M>;
  readonly #time: Time;
  /** By id: those of the last update in its order, then those that are gone and have picks. */
  #seats = new Map<string, Seat<M>>();
  #field: Field<M> | undefined = undefined;
  #recent = 0;
  #recentLimit = RECENT;

  constructor(chooser: Chooser<M>, time: Time) {
    this.name = chooser.name;
    this.#chooser = chooser;
    this.#time = time;
  }

  update(endpoints: readonly Endpoint[]): void {
    const checked = checkEndpoints(endpoints);
    const before = this.#seats;
    const seats = new Map<string, Seat<M>>();
    for (const seat of before.values()) seat.isPresent = false;
    for (const endpoint of checked) {
      const seat = before.get(endpoint.id) ?? new Seat(endpoint, this.#chooser.newMeasure());
      seat.endpoint = endpoint;
      seat.isPresent = true;
      seat.weight = 0;
      seats.set(endpoint.id, seat);
    }
    for (const [id, seat] of before) {
      if (seat.isPresent) continue;
      this.#recent -= seat.recent;
      seat.recent = 0;
      if (seat.outstanding > 0) seats.set(id, seat);
    }
    this.#seats = seats;
    this.#recentLimit = Math.max(RECENT, 16 * checked.length);
    this.#open(checked);
  }

  pick(request?: PickRequest): Pick | undefined {
    if (this.#field === undefined) return undefined;
    const avoid = request?.avoid;
    const field =
      avoid === undefined || avoid.size === 0 ? this.#field : without(this.#field, avoid);
    const nowMs = this.#chooser.isTimed ? this.#time.monotonicMs() : 0;
    const seat = this.#chooser.choose(field, nowMs, request);
    seat.outstanding += 1;
    seat.recent += 1;
    this.#recent += 1;
    if (this.#recent >= this.#recentLimit) this.#forgetHalf();
    return new SeatPick(this, seat, nowMs);
  }

  standings(): readonly Standing[] {
    const nowMs = this.#chooser.isTimed ? this.#time.monotonicMs() : 0;
    const present = [...this.#seats.values()].filter(({ isPresent }) => isPresent);
    return present.map((seat) => ({
      endpoint: seat.endpoint,
      weight: seat.weight,
      share: this.#recent > 0 ? seat.recent / this.#recent : 0,
      outstanding: seat.outstanding,
      latencyMs: this.#chooser.latencyMs?.(seat, nowMs),
      ejectedForMs: 0,
    }));
  }

  /** For its picks alone: one of them has ended. */
  settle(seat: Seat<M>, outcome: PickOutcome, beganMs: Ms): void {
    seat.outstanding -= 1;
    const nowMs = this.#chooser.isTimed ? this.#time.monotonicMs() : 0;
    this.#chooser.ended?.(seat, outcome, beganMs, nowMs);
    if (seat.outstanding > 0 || seat.isPresent) return;
    this.#seats.delete(seat.endpoint.id);
  }

  #open(endpoints: readonly Endpoint[]): void {
    const candidates = candidatesOf(endpoints);
    const seats = candidates.map(({ endpoint, weight }) => {
      const seat = this.#seats.get(endpoint.id) as Seat<M>;
      seat.weight = weight;
      return seat;
    });
    this.#field = seats.length === 0 ? undefined : new Field(seats);
    if (this.#field !== undefined) this.#chooser.update?.(this.#field);
  }

  #forgetHalf(): void {
    this.#recent = 0;
    for (const seat of this.#seats.values()) {
      seat.recent /= 2;
      this.#recent += seat.recent;
    }
  }
}

/** A pick. It knows when it began, so that nobody else has to measure. */
class SeatPick<M> implements Pick {
  readonly endpoint: Endpoint;
  readonly #balancer: SeatedBalancer<M>;
  readonly #beganMs: Ms;
  #seat: Seat<M> | undefined;

  constructor(balancer: SeatedBalancer<M>, seat: Seat<M>, beganMs: Ms) {
    this.endpoint = seat.endpoint;
    this.#balancer = balancer;
    this.#beganMs = beganMs;
    this.#seat = seat;
  }

  end(outcome: PickOutcome): void {
    const seat = this.#seat;
    if (seat === undefined) return;
    this.#seat = undefined;
    this.#balancer.settle(seat, outcome, this.#beganMs);
  }
}

/** The field less what is avoided; all of it, if that leaves nothing. */
function without<M>(field: Field<M>, avoid: ReadonlySet<string>): Field<M> {
  const fresh = field.seats.filter(({ endpoint }) => !avoid.has(endpoint.id));
  const isSame = fresh.length === 0 || fresh.length === field.seats.length;
  return isSame ? field : new Field(fresh);
}
