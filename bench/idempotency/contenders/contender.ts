/**
 * What the benchmark and the fault probes ask of every idempotency library, and no more.
 *
 * Each is used as its README shows, with its own defaults. Bring your own: write one `Contender`,
 * hand it to `runProbes`.
 */

/** One request, as a service receives it. */
export interface Request {
  /** The idempotency key that the client sent. */
  readonly key: string;
  readonly user: string;
  /** The body. */
  readonly payload: unknown;
}

/** What the service does for a request, given the payload. */
export type Work = (payload: unknown) => unknown;

/** How a session is opened. */
export interface OpenOptions {
  readonly url: string;
  /**
   * How long a claim may stand while its owner says nothing, where the library has such a thing.
   * Absent: as the library does it by itself, in a plain service.
   */
  readonly leaseMs?: number;
}

/** A library. */
export interface Contender {
  readonly id: string;
  /** Its name and version, as tables print it. */
  readonly title: string;
  /**
   * The client's key is of no account: what the library knows an operation by is its payload, and
   * so another payload is another operation.
   */
  readonly keyIsPayload?: boolean;
  /** Keeps its records in the process: nobody else can take over, and no server is asked. */
  readonly inProcess?: boolean;
  /** Connects; everything that a first use costs is paid here. */
  open(options: OpenOptions): Promise<Session>;
}

/** A library with its connection, as one process of a service has it. */
export interface Session {
  /** Runs `work` once for the request; rejects with whatever the library or the work throws. */
  run(request: Request, work: Work): Promise<unknown>;
  close(): Promise<void>;
}
