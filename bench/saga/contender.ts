/**
 * A library that runs sagas, as this benchmark uses it: three steps that succeed, or the third of
 * which refuses and the first two are undone.
 */

/** Where the servers are. */
export interface Servers {
  readonly redis: string;
  readonly nats: string;
  readonly postgres: string;
}

/** A library on one store. */
export interface Contender {
  readonly id: string;
  readonly title: string;
  /** Sagas of one sample with many at once: the slow ones run fewer. */
  readonly crowd: number;
  /** Its store is in its process: each round has a new one, lest a heap that grows is measured. */
  readonly isForgotten?: boolean;
  /** Loads the library only now: what it does to its process is not to be done to others'. */
  open(servers: Servers): Promise<Session>;
}

/** One opened library. Ids are new each time. */
export interface Session {
  /** Runs three steps to the end. */
  succeed(id: string): Promise<unknown>;
  /** Runs two steps, the third says no, both are undone. */
  compensate(id: string): Promise<void>;
  close(): Promise<void>;
}

/** The services that all call: as fast as can be, so that what is measured is the library. */
export const services = {
  reserve: async (order: string): Promise<{ reservation: string }> => ({
    reservation: `r-${order}`,
  }),
  charge: async (order: string): Promise<{ charge: string }> => ({ charge: `c-${order}` }),
  ship: async (order: string): Promise<{ parcel: string }> => ({ parcel: `p-${order}` }),
  release: async (_reservation: string): Promise<void> => {},
  refund: async (_charge: string): Promise<void> => {},
};

/** What a saga that went wrong where it should not have is told. */
export function surprised(id: string): Error {
  return new Error(`saga ${id} ended otherwise than it should`);
}
