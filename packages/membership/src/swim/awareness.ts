/**
 * A member's opinion of its own health: who cannot hear should not accuse.
 *
 * The score grows with each sign that the fault is here (probes without any answer, accusations
 * that had to be refuted, pauses of this process) and falls with each probe that was answered. All
 * timeouts are multiplied by the score plus one.
 *
 * "Local health multiplier" of the Lifeguard paper.
 */
const MAX_SCORE = 7;

/** From 0, in good health, to 7. */
export class Awareness {
  #score = 0;

  /** 0 to 7. */
  get score(): number {
    return this.#score;
  }

  /** Moves the score by `delta`, within its bounds. */
  add(delta: number): void {
    this.#score = Math.min(MAX_SCORE, Math.max(0, this.#score + delta));
  }

  /** `ms` as long as this member's health asks for. */
  scale(ms: number): number {
    return ms * (this.#score + 1);
  }
}
