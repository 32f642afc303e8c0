/**
 * Retry budgets: how many retries a dependency is worth.
 *
 * Retries answer overload with more load. A budget lets them be only a share of the first
 * attempts: each first attempt deposits a fraction of a token, each retry and each hedge takes a
 * whole one, and when none is left the original error stands.
 */

/** Where retries and hedges are paid from. */
export interface RetryBudget {
  /** A first attempt was made. */
  deposit(): void;
  /** Takes a token for one retry or hedge; false, and nothing taken, if there is none. */
  withdraw(): boolean;
  /** Whole retries that could be paid now. */
  readonly balance: number;
}
