/**
 * A seat: an endpoint at the table of one balancer, with what that has measured of it. And a field:
 * the seats that a pick chooses among, from which it can draw by weight in constant time.
 *
 * Drawing by weight is Walker's alias method: n columns of equal width, each shared by at most two
 * seats, so one number drawn says the column and the part of it.
 *
 * Walker, "An Efficient Method for Generating Discrete Random Variables", ACM TOMS 1977; built
 * as by Vose, IEEE Transactions on Software Engineering, 1991.
 */
import type { Random } from "@quorate/core";

import type { Endpoint } from "../endpoint.ts";

/** An endpoint with its measures; `M` is what the kind of balancer keeps of it. */
export class Seat<M> {
  /** As in the last update that had it. */
  endpoint: Endpoint;
  readonly measure: M;
  /** In force; 0: it is not picked. */
  weight: number = 0;
  /** Picks that have not ended. */
  outstanding: number = 0;
  /** Picks, halved now and then. */
  recent: number = 0;
  /** In the last update. One that is not is remembered until its picks have ended. */
  isPresent: boolean = true;

  constructor(endpoint: Endpoint, measure: M) {
    this.endpoint = endpoint;
    this.measure = measure;
  }
}

/** Draws that may hit the seat that is already drawn, before any other is taken. */
const REDRAWS = 4;

/** Seats to choose among: at least one, all of them with weight. */
export class Field<M> {
  readonly seats: readonly Seat<M>[];
  /** The weight of a seat on average. */
  readonly meanWeight: number;
  /** Made at the first draw; `even` where all weights are equal. */
  #columns: Columns | "even" | undefined = undefined;

  constructor(seats: readonly Seat<M>[]) {
    this.seats = seats;
    this.meanWeight = seats.reduce((sum, { weight }) => sum + weight, 0) / seats.length;
  }

  /** Index of a seat, drawn by weight. */
  draw(random: Random): number {
    this.#columns ??= columnsOf(this.seats, this.meanWeight);
    const columns = this.#columns;
    const place = random.next() * this.seats.length;
    const column = Math.floor(place);
    if (columns === "even" || place - column < (columns.parts[column] as number)) return column;
    return columns.others[column] as number;
  }

  /** Index of another seat than `first`; `first` only where there is no other. */
  drawOther(first: number, random: Random): number {
    const count = this.seats.length;
    if (count === 1) return first;
    if (count > 2 && this.#columns !== "even") {
      for (let redraw = 0; redraw < REDRAWS; redraw++) {
        const second = this.draw(random);
        if (second !== first) return second;
      }
    }
    // Evenly, where weights are even; and where `first` outweighs all others together.
    const second = Math.floor(random.next() * (count - 1));
    return second < first ? second : second + 1;
  }
}

interface Columns {
  /** How much of each column belongs to the seat of that index, 0 to 1. */
  readonly parts: Float64Array;
  /** Whose the rest is. */
  readonly others: Uint32Array;
}

function columnsOf(seats: readonly Seat<unknown>[], meanWeight: number): Columns | "even" {
  const [first] = seats;
  if (seats.every(({ weight }) => weight === first?.weight)) return "even";
  const parts = Float64Array.from(seats, ({ weight }) => weight / meanWeight);
  const others = new Uint32Array(seats.length);
  const poor: number[] = [];
  const rich: number[] = [];
  for (const [index, part] of parts.entries()) (part < 1 ? poor : rich).push(index);
  for (;;) {
    const giver = rich.at(-1);
    const taker = giver === undefined ? undefined : poor.pop();
    if (giver === undefined || taker === undefined) break;
    others[taker] = giver;
    const left = (parts[giver] as number) - (1 - (parts[taker] as number));
    parts[giver] = left;
    if (left < 1) poor.push(rich.pop() as number);
  }
  // What is left over is full, but for rounding.
  for (const index of [...poor, ...rich]) parts[index] = 1;
  return { parts, others };
}
