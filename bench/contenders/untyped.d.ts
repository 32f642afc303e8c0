/** The two redlocks ship no types that NodeNext finds; this is the part of them that is used. */
declare module "redlock" {
  import type { Redis } from "ioredis";

  interface Settings {
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  interface Lock {
    release(): Promise<unknown>;
  }

  class Redlock {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    on(event: "error", listener: (error: Error) => void): this;
    acquire(names: string[], ttlMs: number, settings?: Partial<Settings>): Promise<Lock>;
    using<T>(
      names: string[],
      ttlMs: number,
      settings: Partial<Settings>,
      routine: (signal: AbortSignal) => Promise<T>,
    ): Promise<T>;
  }
  export default Redlock;
}

declare module "redlock4" {
  import type { Redis } from "ioredis";

  interface Lock {
    unlock(): Promise<unknown>;
  }

  class Redlock {
    constructor(clients: Redis[], options?: { readonly retryCount?: number });
    on(event: "error", listener: (error: Error) => void): this;
    acquire(name: string, ttlMs: number): Promise<Lock>;
  }
  export default Redlock;
}
