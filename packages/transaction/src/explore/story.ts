/**
 * The story of a run: what happened, in words, in order.
 *
 * Only runs that are told are worth the words: the rest of them keep none.
 */

/** One line of a story. */
export interface StoryLine {
  /** Virtual time since the beginning. */
  readonly atMs: number;
  /** Who acts; empty: the world. */
  readonly who: string;
  readonly what: string;
  /** Whether something went wrong here that need not have. */
  readonly isFault: boolean;
}

/** Takes lines, or throws them away. */
export class Story {
  readonly #lines: StoryLine[] | undefined;

  constructor(isTold: boolean) {
    this.#lines = isTold ? [] : undefined;
  }

  /** All lines so far. */
  get lines(): readonly StoryLine[] {
    return this.#lines ?? [];
  }

  /** Something happened. `what` is made only when somebody reads it. */
  tell(atMs: number, who: string, what: () => string, isFault = false): void {
    this.#lines?.push({ atMs, who, what: what(), isFault });
  }
}
