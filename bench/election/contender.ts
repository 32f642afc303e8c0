/**
 * A way to elect a leader among processes, as a service would use it.
 */

/** Names of contenders; also of their Redis connections, by which their commands are counted. */
export type ElectionId =
  | "quorate"
  | "quorate-nats"
  | "safe-redis-leader"
  | "polling-1000"
  | "polling-100";

/** Where a candidate stands for election. */
export interface Poll {
  /** Of this contender's server. */
  readonly url: string;
  readonly name: string;
  readonly ttlMs: number;
  /** Called when this candidate is told that it leads. */
  onElected(): void;
}

/** One candidate. It stands for election from the beginning. */
export interface Candidate {
  /** Whether it believes, at this very line, that it leads. Asks nobody. */
  leads(): boolean;
  /** Steps down of its own will; stands no more until `stand`. */
  resign(): Promise<void>;
  /** Stands for election again. */
  stand(): void;
  /** The next command that it sends is answered by an error. Missing: cannot be done to it. */
  failNextCommand?(): void;
}

/** A contender. */
export interface ElectionContender {
  readonly id: ElectionId;
  readonly title: string;
  readonly engine: "redis" | "nats";
  join(poll: Poll): Promise<Candidate>;
}
