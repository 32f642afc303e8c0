/**
 * Siblings: all values of one key that nobody has replaced, and the history that tells which.
 *
 * A client reads values and a *context*, and hands the context back when it writes. The write
 * replaces exactly what that context had seen; what somebody else wrote meanwhile stays beside it
 * as a sibling, until a client that has read both writes the resolution. Stale contexts, clients
 * that share a replica, and replicas that merge in any order, twice or late are all the same case.
 *
 * Guarantees: no write is lost unless a later one had seen it; no value comes back once replaced;
 * merging is commutative, associative and idempotent; one row per replica that ever wrote, however
 * many clients. The dots are the causal histories exactly (property tests against sets of events).
 * Does not guarantee: anything for contexts that nobody was given. A context is believed: one that
 * is forged replaces values unseen and uses up counters. Where clients are not trusted, keep it on
 * the server or sign it. Nor for a replica that lost its rows and writes on under its old id, which
 * reuses dots; `write` refuses where it can tell.
 *
 * Almeida, Baquero, Gonçalves, Preguiça, Fonte, "Scalable and Accurate Causality Tracking for
 * Eventually Consistent Stores", DAIS 2014 (dotted version vector sets).
 */
import { invalidArgument, knownOptions, positiveInteger, QuorateError } from "@quorate/core";

import { checkNodeId, type NodeId } from "../node-id.ts";
import type { Dot } from "./dot.ts";
import { type BoundOptions, boundOf } from "./entries-codec.ts";
import { type Causality, tooMany } from "./entries.ts";
import {
  decodeSiblings,
  encodeSiblings,
  type SiblingsDecodeOptions,
  type ValueCodec,
} from "./siblings-codec.ts";
import {
  compareRows,
  countValues,
  mergedRows,
  type Rows,
  rowsOfContext,
  writtenRows,
} from "./siblings-rows.ts";
import { VersionVector } from "./version-vector.ts";

/** Bounds of a sibling set; sets made of it inherit them. */
export interface SiblingsOptions extends BoundOptions {
  /** Most values side by side. A write beyond is refused, never dropped. @default 1000 */
  readonly maxSiblings?: number;
}

/** What a read of a key answers. */
export interface SiblingsReading<T> {
  /** Values that nobody has replaced; more than one is a conflict to resolve. */
  readonly values: T[];
  /** Hand it back with the write that replaces these values. */
  readonly context: VersionVector;
}

const DEFAULT_MAX_SIBLINGS = 1_000;

/**
 * Concurrent values of one key. An immutable value.
 *
 * @example
 * const nothing = VersionVector.of();
 * let cart = Siblings.empty<string>();
 * cart = cart.write("milk", nothing, "r1"); // Mary and Peter both read the empty cart,
 * cart = cart.write("eggs", nothing, "r1"); // and both write through r1: none is lost.
 * const { values, context } = cart.read(); // => ["eggs", "milk"]
 * cart = cart.write("milk and eggs", context, "r1");
 * cart.read().values; // => ["milk and eggs"]
 */
export class Siblings<T> {
  readonly #rows: Rows<T>;
  readonly #maxEntries: number;
  readonly #maxSiblings: number;

  private constructor(rows: Rows<T>, maxEntries: number, maxSiblings: number) {
    if (rows.length > maxEntries) throw tooMany(rows.length, maxEntries);
    const size = countValues(rows);
    if (size > maxSiblings) throw tooManySiblings(size, maxSiblings);
    this.#rows = rows;
    this.#maxEntries = maxEntries;
    this.#maxSiblings = maxSiblings;
  }

  /** A key that was never written. `INVALID_ARGUMENT` for bounds that are none. */
  static empty<T>(options: SiblingsOptions = {}): Siblings<T> {
    return Siblings.#bounded([], options);
  }

  /** Number of values side by side. */
  get size(): number {
    return countValues(this.#rows);
  }

  /** The values, and the context that replaces them: by replica, the newest of each first. */
  read(): SiblingsReading<T> {
    const counts = this.#rows.map(({ replica, counter }) => [replica, counter] as const);
    const context = VersionVector.of(counts, { maxEntries: this.#maxEntries });
    return { values: this.#rows.flatMap(({ values }) => values), context };
  }

  /** The values with the dots of the writes that they came from, in the order of `read`. */
  versions(): { readonly dot: Dot; readonly value: T }[] {
    return this.#rows.flatMap(({ replica, counter, values }) =>
      values.map((value, index) => ({ dot: { replica, counter: counter - index }, value })),
    );
  }

  /**
   * The set after `replica` has coordinated a write of `value` by a client that had read `context`
   * (an empty vector if it had read nothing). Replaces the values in the context, keeps the others.
   *
   * Only the process that is `replica` calls this, one write after another, and stores the result
   * before it answers. `INVALID_ARGUMENT` for a context that has seen writes of `replica` which
   * `replica` itself does not know: its rows were lost, or the context is forged. `TOO_LARGE`
   * beyond `maxSiblings` or `maxEntries`. Nothing was written then.
   */
  write(value: T, context: VersionVector, replica: NodeId): Siblings<T> {
    checkNodeId("replica", replica);
    checkContext(context);
    const known = this.#rows.find((row) => row.replica === replica)?.counter ?? 0;
    if (context.get(replica) > known) {
      const expected = `within the ${known} writes ${replica} knows of itself; is its state lost?`;
      throw invalidArgument("context", context.encode(), expected);
    }
    const left = mergedRows(this.#rows, rowsOfContext(context));
    return this.#with(writtenRows(left, replica, value));
  }

  /**
   * The set without the values in `context`. What was written beside them stays.
   *
   * The history remains, as it must, or a late replica would bring the values back.
   */
  remove(context: VersionVector): Siblings<T> {
    checkContext(context);
    return this.#with(mergedRows(this.#rows, rowsOfContext(context)));
  }

  /**
   * What two replicas know together. Commutative, associative, idempotent, but for the bounds,
   * which are those of this set; `TOO_LARGE` beyond.
   */
  merge(other: Siblings<T>): Siblings<T> {
    return this.#with(mergedRows(this.#rows, Siblings.#of(other)));
  }

  /**
   * How this set stands to another of the same key: `equal` if merging would change neither,
   * `before` if it would change this one only, `after` if the other only, `concurrent` if both.
   *
   * Compares histories and which dots are alive. Two contexts compared would miss a `remove`.
   */
  compare(other: Siblings<T>): Causality {
    return compareRows(this.#rows, Siblings.#of(other));
  }

  /** The set as one string, the values by `codec`. Equal sets with equal values encode equally. */
  encode(codec: ValueCodec<T>): string {
    return encodeSiblings(this.#rows, codec);
  }

  /**
   * Reverses `encode` of anybody: version, order, counters and bounds are checked.
   * `INVALID_ARGUMENT` for what `encode` never makes, `TOO_LARGE` beyond the bounds; what
   * `codec.decode` throws is passed on.
   */
  static decode<T>(
    text: string,
    codec: ValueCodec<T>,
    options: SiblingsOptions & SiblingsDecodeOptions = {},
  ): Siblings<T> {
    const { maxBytes, ...bounds } = options;
    return Siblings.#bounded(decodeSiblings(text, codec, maxBytes), bounds);
  }

  #with(rows: Rows<T>): Siblings<T> {
    return new Siblings(rows, this.#maxEntries, this.#maxSiblings);
  }

  static #bounded<T>(rows: Rows<T>, options: SiblingsOptions): Siblings<T> {
    const { maxSiblings = DEFAULT_MAX_SIBLINGS, ...bound } = knownOptions("options", options, [
      "maxEntries",
      "maxSiblings",
    ]);
    return new Siblings(rows, boundOf(bound), positiveInteger("maxSiblings", maxSiblings));
  }

  static #of<T>(other: Siblings<T>): Rows<T> {
    if (typeof other === "object" && other !== null && #rows in other) return other.#rows;
    throw invalidArgument("other", other, "a Siblings");
  }
}

function checkContext(context: VersionVector): void {
  if (!(context instanceof VersionVector)) {
    throw invalidArgument("context", context, "a VersionVector, as read() answers it");
  }
}

function tooManySiblings(size: number, limit: number): QuorateError<"TOO_LARGE"> {
  const message = `${size} siblings, at most ${limit} are allowed; read, resolve and write them`;
  const details = { option: "maxSiblings", size, limit };
  return new QuorateError("TOO_LARGE", message, { effect: "none", details });
}
