/** What every measurement of the lock benchmark is handed. */
import type { Redis } from "ioredis";

import type { Contender, Session } from "../contenders/contender.ts";
import type { Fleet } from "../harness/fleet.ts";

/** A contender with a connection in this process. */
export interface Entrant {
  readonly contender: Contender;
  readonly session: Session;
}

/** Servers, processes and how much of everything. */
export interface Environment {
  readonly url: string;
  /** For questions to the server; nobody's commands. */
  readonly redis: Redis;
  /** Every contender, ours first, connected in this process. */
  readonly entrants: readonly Entrant[];
  /** Four processes in which every contender is connected. */
  readonly fleet: Fleet;
  /** Fewer rounds, for a look instead of a figure. */
  readonly quick: boolean;
  /** A lock name that was never used before, in this run or another. */
  name(what: string): string;
}

/** The TTL of all locks that are not about TTLs: nothing expires or renews while it is timed. */
export const TTL_MS = 30_000;
