/**
 * One object for all of Quorate: every primitive on one backend, closed together.
 *
 * Parts come into being when they are first used, so what is not used costs nothing: no timer, no
 * watch, no record. `close` ends them in the order that a service needs (see `closing.ts`).
 *
 * Guarantees: what each part guarantees by itself; there is nothing here that could not be written
 * by hand from the packages below, which stay usable side by side with this.
 */
import type { Backend, Health, Ms } from "@quorate/core";
import type { Cron } from "@quorate/cron";
import type { Registry } from "@quorate/discovery";
import type { Election, ElectionOptions } from "@quorate/election";
import type { Idempotency } from "@quorate/idempotency";
import type { Guard, Locks, ReadWriteLock, Semaphore, SemaphoreOptions } from "@quorate/lock";
import type { LeaseMembership, LeaseMembershipOptions } from "@quorate/membership";
import type {
  Client,
  ClientOptions,
  Contract,
  Handlers,
  Methods,
  ServeOptions,
  Server,
} from "@quorate/rpc";
import type { Sagas, Tcc } from "@quorate/transaction";
import type { SignalOptions } from "./signals.ts";

/** Typed calls between the services of one engine; instances are found through its registry. */
export interface Rpc {
  /**
   * Serves a contract: one instance, found by the clients of `client`. Resolves when calls can
   * reach it.
   */
  serve<M extends Methods>(
    contract: Contract<M>,
    handlers: Handlers<Contract<M>>,
    options?: Omit<ServeOptions, "registry">,
  ): Promise<Server>;
  /** Calls a contract's service: the same client each time, which chooses among its instances. */
  client<M extends Methods>(contract: Contract<M>, options?: ClientOptions): Client<Contract<M>>;
}

/** Every primitive on one backend. Made by `connect`. */
export interface Quorate extends AsyncDisposable {
  /** The engine; for whatever is not here. */
  readonly backend: Backend;
  /** Locks: `q.lock.run("order/42", async (lock) => …)`. */
  readonly lock: Locks;
  /** Permits under `name`: at most so many holders at a time. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore;
  /** Readers and a writer under `name`. */
  readWrite(name: string): ReadWriteLock;
  /** Refuses the writes of holders that overslept. */
  readonly guard: Guard;
  /**
   * This process's candidate in the election `name`: the same each time it is asked for, with the
   * options of the first time.
   */
  elect(name: string, options?: ElectionOptions): Election;
  /** Jobs that run once per tick over the fleet. */
  readonly cron: Cron;
  /** Once per key: `q.once.run(key, work)`. */
  readonly once: Idempotency;
  /** All steps or none. */
  readonly sagas: Sagas;
  /** Try, confirm or cancel, over several services. */
  readonly tcc: Tcc;
  /** Typed calls: `await q.rpc.serve(contract, handlers)`, `q.rpc.client(contract)`. */
  readonly rpc: Rpc;
  /** Which instances of which services there are. */
  readonly discovery: Registry;
  /** This process in a group, under its name; closed with the rest. */
  members(group: string, options?: Omit<LeaseMembershipOptions, "group">): LeaseMembership;
  /** Asks the server how it is. Never throws for one that is down: that is an answer. */
  health(): Promise<Health>;
  /**
   * Stops taking work in, resigns leaderships, lets sagas, calls and locks end or gives them back,
   * says goodbye, and closes the engine if `connect` opened it. Twice is fine.
   *
   * @throws the first error of a part; everything was closed all the same.
   * @default graceMs 5000, for all of it
   */
  close(options?: { readonly graceMs?: Ms }): Promise<void>;
  /**
   * Closes on SIGTERM and SIGINT, then lets the signal end the process; a second signal does so at
   * once. Returns a function that takes this back.
   */
  closeOnSignal(options?: SignalOptions): () => void;
}
