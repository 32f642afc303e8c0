/**
 * The Berkeley algorithm: a group of clocks agrees on its average, where nobody has the true time.
 *
 * A coordinator has measured how far each member's clock is from its own. It averages the largest
 * set of clocks that are within `maxSpreadMs` of each other (so that one clock a day off does not
 * move the rest) and tells everybody, those left out too, by how much to correct. Corrections, not
 * times: a time would be wrong by the delay of the message that carries it.
 *
 * Sans-I/O. Guarantees: after applying the corrections all clocks read the same, up to what the
 * measured offsets were wrong by. Does not guarantee: that what they read is the time.
 *
 * Gusella, Zatti, "The Accuracy of the Clock Synchronization Achieved by TEMPO in Berkeley UNIX
 * 4.3BSD", IEEE Transactions on Software Engineering 15, 1989.
 */
import { invalidArgument, knownOptions, type Ms, nonNegative } from "@quorate/core";
import { checkNodeId, type NodeId } from "../node-id.ts";

/** Options of `berkeley`. */
export interface BerkeleyOptions {
  /** Each member's clock minus the coordinator's; the coordinator's own is 0, if it takes part. */
  readonly offsetsMs: ReadonlyMap<NodeId, Ms>;
  /** Clocks further from each other than this are not averaged together. */
  readonly maxSpreadMs: Ms;
}

/** What everybody is to do. */
export interface BerkeleyRound {
  /** What each member adds to its clock. Negative: it should slow down, not step back. */
  readonly adjustmentsMs: ReadonlyMap<NodeId, Ms>;
  /** The agreed time minus the coordinator's clock. */
  readonly averageMs: Ms;
  /** Whose clocks were not averaged, in order of id. They get a correction all the same. */
  readonly outliers: readonly NodeId[];
}

/** Most members of one round. */
const MAX_MEMBERS = 10_000;

/**
 * Corrections for one round; of equally large sets of clocks, the one with the smallest spread is
 * averaged, then the earliest. Without members there is nothing to do.
 *
 * @throws INVALID_ARGUMENT an offset is not a finite number, or an id is no node id.
 *
 * @example
 * import { berkeley } from "@quorate/clock";
 * const offsetsMs = new Map([["me", 0], ["fast", 25], ["slow", -10], ["broken", 86_400_000]]);
 * const { adjustmentsMs, outliers } = berkeley({ offsetsMs, maxSpreadMs: 100 });
 * console.log(adjustmentsMs.get("fast"), outliers); // => -20 [ 'broken' ]
 */
export function berkeley(options: BerkeleyOptions): BerkeleyRound {
  knownOptions("options", options, ["offsetsMs", "maxSpreadMs"]);
  const maxSpreadMs = nonNegative("maxSpreadMs", options.maxSpreadMs);
  const members = sorted(options.offsetsMs);
  const { from, to } = largestWithin(members, maxSpreadMs);
  const averaged = members.slice(from, to);
  // Summed as distances from the first: large offsets would cost the small ones their digits.
  const [, firstMs = 0] = averaged[0] ?? [];
  const beyondMs = averaged.reduce((sum, [, offsetMs]) => sum + (offsetMs - firstMs), 0);
  const averageMs = averaged.length === 0 ? 0 : firstMs + beyondMs / averaged.length;
  return {
    adjustmentsMs: new Map(members.map(([id, offsetMs]) => [id, averageMs - offsetMs])),
    averageMs,
    outliers: [...members.slice(0, from), ...members.slice(to)].map(([id]) => id).sort(),
  };
}

type Member = readonly [id: NodeId, offsetMs: Ms];

function sorted(offsetsMs: ReadonlyMap<NodeId, Ms>): Member[] {
  if (!(offsetsMs instanceof Map) || offsetsMs.size > MAX_MEMBERS) {
    throw invalidArgument("offsetsMs", offsetsMs, `a Map of at most ${MAX_MEMBERS} members`);
  }
  for (const [id, offsetMs] of offsetsMs) {
    checkNodeId("offsetsMs", id);
    if (!Number.isFinite(offsetMs)) {
      throw invalidArgument("offsetsMs", offsetMs, "made of finite numbers");
    }
  }
  return [...offsetsMs].sort(([, one], [, other]) => one - other);
}

/** The longest run of sorted members whose ends are within `maxSpreadMs` of each other. */
function largestWithin(
  members: readonly Member[],
  maxSpreadMs: Ms,
): { readonly from: number; readonly to: number } {
  const offsetAt = (index: number): Ms => members[index]?.[1] ?? 0;
  let best = { from: 0, to: 0, spreadMs: 0 };
  for (let from = 0, to = 0; from < members.length; from++) {
    while (to < members.length && offsetAt(to) - offsetAt(from) <= maxSpreadMs) to += 1;
    const spreadMs = offsetAt(to - 1) - offsetAt(from);
    const more = to - from - (best.to - best.from);
    if (more > 0 || (more === 0 && spreadMs < best.spreadMs)) best = { from, to, spreadMs };
  }
  return best;
}
