/**
 * Which runs this process has begun, so that it begins none twice.
 *
 * What to run is read off the record, and a read may be old: a deposed leader shows a run that has
 * long been written down as ended. So those that ended lately are remembered, too.
 */
import type { Claimed } from "./record.ts";

/** Runs that have ended and are remembered. */
const MAX_ENDED = 1_000;

/** Runs of one process. */
export class RunLedger {
  readonly #underWay = new Set<string>();
  readonly #ended = new Set<string>();

  /** Whether `run` was begun here. */
  has(run: Claimed): boolean {
    return this.#underWay.has(idOf(run)) || this.#ended.has(idOf(run));
  }

  /** `run` begins. */
  begin(run: Claimed): void {
    this.#underWay.add(idOf(run));
  }

  /** `run` is over, and written down. */
  end(run: Claimed): void {
    this.#underWay.delete(idOf(run));
    this.#ended.add(idOf(run));
    const [oldest] = this.#ended;
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest);
  }
}

function idOf({ key, attempt, fencingToken }: Claimed): string {
  return `${key} ${attempt} ${fencingToken}`;
}
