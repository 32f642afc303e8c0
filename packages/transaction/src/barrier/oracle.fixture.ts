/**
 * What a participant's owner expects of a branch, said without the machine's table; and all orders
 * in which three copies of each call can arrive.
 */
import type { Operation } from "./machine.ts";

/** What one call came to. */
export type Verdict = "ran" | "quiet" | "refused";

/** Judges calls one after the other. */
export class Oracle {
  readonly #ran = new Set<Operation>();
  #isBuried = false;

  /** What must come of `operation` now. `ran`: its work runs. */
  call(operation: Operation): Verdict {
    const isOver = this.#ran.has("cancel") || this.#isBuried;
    if (operation === "cancel") {
      if (this.#ran.has("confirm")) return "refused";
      if (isOver) return "quiet";
      if (this.#ran.has("try")) return this.#run("cancel");
      this.#isBuried = true;
      return "quiet";
    }
    if (isOver) return "refused";
    if (operation === "try") return this.#ran.has("try") ? "quiet" : this.#run("try");
    if (!this.#ran.has("try")) return "refused";
    return this.#ran.has("confirm") ? "quiet" : this.#run("confirm");
  }

  #run(operation: Operation): Verdict {
    this.#ran.add(operation);
    return "ran";
  }
}

/** All orders of three tries, three confirms and three cancels: 9! / (3! 3! 3!) = 1680. */
export function* arrivals(copies = 3): Generator<readonly Operation[], void, void> {
  yield* orders({ try: copies, confirm: copies, cancel: copies }, []);
}

function* orders(
  left: Readonly<Record<Operation, number>>,
  before: readonly Operation[],
): Generator<readonly Operation[], void, void> {
  if (Object.values(left).every((count) => count === 0)) yield before;
  for (const operation of ["try", "confirm", "cancel"] as const) {
    if (left[operation] === 0) continue;
    yield* orders({ ...left, [operation]: left[operation] - 1 }, [...before, operation]);
  }
}
