/**
 * Becoming the sequencer: gather promises, choose the order, begin.
 *
 * The order of the highest epoch wins, the longest of these: whatever a majority once had is in it,
 * since one member of that majority has spoken. It is cut before the first message that none of
 * them has seen: no majority had it either, and whoever had it may be dead.
 */
import type { MemberId } from "../member.ts";
import type { EpochView, OrderFrame } from "./order-frames.ts";
import type { MessageId, Snapshot } from "./order-log.ts";
import { hasMajority, viewsBelow } from "./quorums.ts";

type Sealed = Extract<OrderFrame, { readonly kind: "sealed" }>;
type Start = Extract<OrderFrame, { readonly kind: "start" }>;

type State =
  | { readonly kind: "none" }
  | {
      readonly kind: "sealing";
      readonly view: EpochView;
      readonly promises: Map<MemberId, Sealed>;
    }
  | { readonly kind: "begun"; readonly epoch: number };

/** One member's attempt to be the sequencer, and its time as such. */
export class Leadership {
  #state: State = { kind: "none" };

  /** The epoch that we lead or want to lead; 0 if none. */
  get epoch(): number {
    if (this.#state.kind === "none") return 0;
    return this.#state.kind === "sealing" ? this.#state.view.epoch : this.#state.epoch;
  }

  /** Begins to gather promises. */
  seal(view: EpochView): void {
    this.#state = { kind: "sealing", view, promises: new Map() };
  }

  /** A member's promise; when there are enough, how the epoch begins. */
  sealed(from: MemberId, sealed: Sealed): Start | undefined {
    if (this.#state.kind !== "sealing" || sealed.epoch !== this.epoch) return undefined;
    const { view, promises } = this.#state;
    promises.set(from, sealed);
    const all = [...promises.values()];
    const views = viewsBelow(
      view.epoch,
      all.map((one) => one.views),
    );
    if (!views.every(({ members }) => hasMajority(members, promises))) return undefined;
    this.#state = { kind: "begun", epoch: view.epoch };
    const best = all.reduce((one, other) => (isBetter(other, one) ? other : one));
    const committed = Math.max(...all.map(({ snapshot }) => snapshot.committed));
    const snapshot = { ...best.snapshot, committed };
    return { kind: "start", view, snapshot: { ...snapshot, ids: within(snapshot, all) } };
  }

  /** True when `epoch` is ours: a majority has what it began with. */
  begun(epoch: number): boolean {
    return this.#state.kind === "begun" && this.#state.epoch === epoch;
  }

  /** Somebody has promised to `by`; returns the epoch that ended here. */
  end(by: number): number | undefined {
    const { epoch } = this;
    if (epoch === 0 || epoch >= by) return undefined;
    this.#state = { kind: "none" };
    return epoch;
  }
}

function isBetter(one: Sealed, other: Sealed): boolean {
  if (one.accepted !== other.accepted) return one.accepted > other.accepted;
  return lastOf(one) > lastOf(other);
}

function lastOf({ snapshot }: Sealed): number {
  return snapshot.base + snapshot.ids.length;
}

/** The order up to the first message that nobody who spoke has seen. */
function within({ base, committed, ids }: Snapshot, all: readonly Sealed[]): readonly MessageId[] {
  const seen = new Map<MemberId, number>();
  for (const { member, n } of all.flatMap((one) => one.seen)) {
    seen.set(member, Math.max(n, seen.get(member) ?? 0));
  }
  const end = ids.findIndex(({ member, n }, index) => {
    return base + index + 1 > committed && n > (seen.get(member) ?? 0);
  });
  return end < 0 ? ids : ids.slice(0, end);
}
