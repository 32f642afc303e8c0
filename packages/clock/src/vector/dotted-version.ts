/**
 * Dotted version: one version of a value, as its own dot and the history that its writer had seen.
 *
 * Two clients read nothing and write through one replica. With plain version vectors the versions
 * get `{ r: 1 }` and `{ r: 2 }`, and the second seems to replace the first, which nobody meant. As
 * dotted versions they are `r:1` seen nothing and `r:2` seen nothing: neither saw the other. A
 * version replaces another exactly if its context contains the other's dot, which is one look-up
 * and needs no walk over the vectors.
 *
 * For versions that are kept apart, each in a row of its own. Where one record holds all of them,
 * `Siblings` says the same in less space.
 *
 * Preguiça, Baquero, Almeida, Fonte, Gonçalves, "Dotted Version Vectors: Logical Clocks for
 * Optimistic Replication", arXiv:1011.5808, 2010.
 */
import { invalidArgument } from "@quorate/core";

import type { NodeId } from "../node-id.ts";
import { checkDot, type Dot } from "./dot.ts";
import type { BoundOptions, EntriesJson } from "./entries-codec.ts";
import type { Causality } from "./entries.ts";
import { VersionVector } from "./version-vector.ts";

/** `[replica, counter, context]` of a dotted version. */
export type DottedVersionJson = readonly [replica: NodeId, counter: number, context: EntriesJson];

/**
 * A version of a value.
 *
 * @example
 * const nothing = VersionVector.of();
 * const mary = DottedVersion.of({ replica: "r", counter: 1 }, nothing);
 * const peter = DottedVersion.of({ replica: "r", counter: 2 }, nothing);
 * peter.compare(mary); // => "concurrent": both are kept
 */
export class DottedVersion {
  /** The write that made this version. */
  readonly dot: Dot;
  /** The writes that its writer had seen, and that it replaces. Does not contain `dot`. */
  readonly context: VersionVector;

  private constructor(dot: Dot, context: VersionVector) {
    this.dot = dot;
    this.context = context;
  }

  /** The version `dot`, written with `context`. `INVALID_ARGUMENT` if that contains the dot. */
  static of(dot: Dot, context: VersionVector): DottedVersion {
    const { replica, counter } = checkDot("dot", dot);
    if (!(context instanceof VersionVector)) {
      throw invalidArgument("context", context, "a VersionVector");
    }
    if (context.contains(dot)) {
      throw invalidArgument("context", context.encode(), "without the dot itself: none saw itself");
    }
    return new DottedVersion({ replica, counter }, context);
  }

  /**
   * `after` if this version's writer had seen the other, `before` if the other's had seen this one.
   *
   * Contexts that contain each other's dots contradict each other; no honest replica makes them.
   * The answer then is `concurrent`, so that nothing is thrown away on the word of a forger.
   */
  compare(other: DottedVersion): Causality {
    if (!(other instanceof DottedVersion)) {
      throw invalidArgument("other", other, "a DottedVersion");
    }
    const { replica, counter } = this.dot;
    if (other.dot.replica === replica && other.dot.counter === counter) return "equal";
    const seen = other.context.contains(this.dot);
    const saw = this.context.contains(other.dot);
    if (seen === saw) return "concurrent";
    return seen ? "before" : "after";
  }

  /** The context of whoever reads this version: what it replaces, and itself. */
  read(): VersionVector {
    return this.context.with(this.dot);
  }

  /** `["r", 2, [["r", 1]]]`. */
  toJSON(): DottedVersionJson {
    return [this.dot.replica, this.dot.counter, this.context.toJSON()];
  }

  /** Reverses `toJSON` of anybody. `INVALID_ARGUMENT` for what it never makes. */
  static fromJSON(value: unknown, options: BoundOptions = {}): DottedVersion {
    if (!Array.isArray(value) || value.length !== 3) {
      throw invalidArgument("json", value, "[replica, counter, context]");
    }
    const [replica, counter, context] = value as [NodeId, number, unknown];
    return DottedVersion.of({ replica, counter }, VersionVector.fromJSON(context, options));
  }
}
