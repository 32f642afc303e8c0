/**
 * GCRA: the generic cell rate algorithm, as a continuous-state leaky bucket.
 *
 * Each permit pours its emission interval into a bucket that leaks evenly; what would overflow the
 * limit does not conform. State is one number and one instant, and zero means "as new", which is
 * why it is kept where a record may be forgotten when it has run out (slices/exact.ts).
 *
 * A pure machine. Guarantees: the very verdicts of a token bucket of the same rate and size, since
 * what one holds is what the other lacks (a test holds both to it); exactly, see rate-units.ts.
 * With a burst of 1 permits are spaced evenly. Does not guarantee that a caller waits its turn:
 * it judges, and somebody else queues.
 *
 * ITU-T I.371 (2004), annex A; ATM Forum Traffic Management 4.0, section 4.4.2.
 */
import type { Meter } from "./token-bucket.ts";
import type { Rate } from "./rate-units.ts";

/** A leaky bucket. */
export class Gcra implements Meter {
  readonly #permit: number;
  readonly #perUs: number;
  readonly #capacity: number;
  #backlog: number;
  #atUs: number;

  /** Empty at `nowUs`, or with `backlog` units in it. */
  constructor(rate: Rate, nowUs: number, backlog = 0) {
    this.#permit = rate.permit;
    this.#perUs = rate.perUs;
    this.#capacity = rate.capacity;
    this.#backlog = backlog;
    this.#atUs = nowUs;
  }

  /** Units in the bucket when it was last looked at. */
  get backlog(): number {
    return this.#backlog;
  }

  take(cost: number, nowUs: number): boolean {
    if (nowUs > this.#atUs) this.#leak(nowUs);
    const poured = this.#backlog + cost * this.#permit;
    if (poured > this.#capacity) return false;
    this.#backlog = poured;
    return true;
  }

  giveBack(cost: number): void {
    this.#backlog = Math.max(0, this.#backlog - cost * this.#permit);
  }

  waitUs(cost: number, nowUs: number): number {
    if (nowUs > this.#atUs) this.#leak(nowUs);
    const over = this.#backlog + cost * this.#permit - this.#capacity;
    return over <= 0 ? 0 : Math.ceil(over / this.#perUs);
  }

  available(nowUs: number): number {
    if (nowUs > this.#atUs) this.#leak(nowUs);
    return Math.max(0, Math.floor((this.#capacity - this.#backlog) / this.#permit));
  }

  isFull(nowUs: number): boolean {
    if (nowUs > this.#atUs) this.#leak(nowUs);
    return this.#backlog === 0;
  }

  copy(): Gcra {
    const rate = { permit: this.#permit, perUs: this.#perUs, capacity: this.#capacity };
    return new Gcra(rate, this.#atUs, this.#backlog);
  }

  /** Pours whether or not it overflows: a turn that was promised. Returns how long until it is. */
  reserve(cost: number, nowUs: number): number {
    const waitUs = this.waitUs(cost, nowUs);
    this.#backlog += cost * this.#permit;
    return waitUs;
  }

  #leak(nowUs: number): void {
    const leaked = this.#backlog - (nowUs - this.#atUs) * this.#perUs;
    this.#backlog = leaked > 0 ? leaked : 0;
    this.#atUs = nowUs;
  }
}
