/**
 * Token bucket: permits trickle in at a steady rate, and wait in a bucket of bounded size.
 *
 * A pure machine: instants come in, whole numbers come out. It holds what may be spent now, and
 * fills up when it is next looked at, so an idle one costs nothing.
 *
 * Guarantees: in any interval of `t` it lets at most the bucket's size + rate · t through, and
 * never holds back what that allows; exactly, after any number of operations (see rate-units.ts).
 * Does not guarantee an even spacing: a full bucket may be emptied at once.
 *
 * Turner, "New Directions in Communications", IEEE Communications 1986; RFC 2697, section 3.
 */
import type { Rate } from "./rate-units.ts";

/** What counts permits. Instants in whole microseconds, never going back. */
export interface Meter {
  /** Takes `cost` permits if they are there. */
  take(cost: number, nowUs: number): boolean;
  /** Gives permits back that were taken and not used. */
  giveBack(cost: number): void;
  /** Time until `cost` permits are there if nobody else takes any; Infinity: never. */
  waitUs(cost: number, nowUs: number): number;
  /** Whole permits that could be taken now. */
  available(nowUs: number): number;
  /** Whether it is as a new one would be: forgetting it loses nothing. */
  isFull(nowUs: number): boolean;
  /** One that stands as this one does, and goes its own way. */
  copy(): Meter;
}

/** A bucket. */
export class TokenBucket implements Meter {
  readonly #permit: number;
  #perUs: number;
  #capacity: number;
  #credit: number;
  #atUs: number;

  /** Full at `nowUs`, or with `credit` units in it. */
  constructor(rate: Rate, nowUs: number, credit: number = rate.capacity) {
    this.#permit = rate.permit;
    this.#perUs = rate.perUs;
    this.#capacity = rate.capacity;
    this.#credit = credit;
    this.#atUs = nowUs;
  }

  take(cost: number, nowUs: number): boolean {
    if (nowUs > this.#atUs) this.#fill(nowUs);
    const price = cost * this.#permit;
    if (price > this.#credit) return false;
    this.#credit -= price;
    return true;
  }

  giveBack(cost: number): void {
    this.#credit = Math.min(this.#capacity, this.#credit + cost * this.#permit);
  }

  waitUs(cost: number, nowUs: number): number {
    if (nowUs > this.#atUs) this.#fill(nowUs);
    const missing = cost * this.#permit - this.#credit;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perUs);
  }

  available(nowUs: number): number {
    if (nowUs > this.#atUs) this.#fill(nowUs);
    return Math.floor(this.#credit / this.#permit);
  }

  isFull(nowUs: number): boolean {
    if (nowUs > this.#atUs) this.#fill(nowUs);
    return this.#credit >= this.#capacity;
  }

  copy(): TokenBucket {
    const rate = { permit: this.#permit, perUs: this.#perUs, capacity: this.#capacity };
    return new TokenBucket(rate, this.#atUs, this.#credit);
  }

  /** From `nowUs` on another rate and size; what does not fit is lost, nothing is added. */
  reshape(shape: Pick<Rate, "perUs" | "capacity">, nowUs: number): void {
    if (nowUs > this.#atUs) this.#fill(nowUs);
    this.#perUs = shape.perUs;
    this.#capacity = shape.capacity;
    this.#credit = Math.min(this.#credit, shape.capacity);
  }

  /** Puts units in, as far as they fit. */
  add(units: number): void {
    this.#credit = Math.min(this.#capacity, this.#credit + units);
  }

  /** Beyond 2⁵³ a sum may be rounded, but never to below the capacity, which is less. */
  #fill(nowUs: number): void {
    const filled = this.#credit + (nowUs - this.#atUs) * this.#perUs;
    this.#credit = filled < this.#capacity ? filled : this.#capacity;
    this.#atUs = nowUs;
  }
}
