/**
 * Connecting: from one line to all primitives, in memory or on a server of yours.
 *
 *     const q = await connect();                          // memory, in this process
 *     const q = await connect("redis://127.0.0.1:6379");  // the same code on Redis
 *     const q = await connect(natsBackend(connection));   // on a client of your own
 */
import {
  type Backend,
  type BackendOptions,
  boundedString,
  type Health,
  invalidArgument,
  knownOptions,
  Lifecycle,
  type Ms,
  nonNegative,
  systemRuntime,
} from "@quorate/core";
import { createCron, type Cron, type CronOptions } from "@quorate/cron";
import {
  createBalancer,
  createRegistry,
  type Registry,
  type RegistryOptions,
} from "@quorate/discovery";
import { createElection, type Election, type ElectionOptions } from "@quorate/election";
import { createIdempotency, type Idempotency, type IdempotencyOptions } from "@quorate/idempotency";
import {
  createGuard,
  createLocks,
  type Guard,
  type Locks,
  type LocksOptions,
  type ReadWriteLock,
  type Semaphore,
  type SemaphoreOptions,
} from "@quorate/lock";
import {
  createLeaseMembership,
  type LeaseMembership,
  type LeaseMembershipOptions,
} from "@quorate/membership";
import {
  client,
  type Client,
  type ClientOptions,
  type Contract,
  type Handlers,
  type Methods,
  serve,
  type ServeOptions,
  type Server,
} from "@quorate/rpc";
import {
  createSagas,
  createTcc,
  createWorker,
  type Sagas,
  type SagasOptions,
  type Tcc,
  type TccOptions,
  type Worker,
  type WorkerOptions,
} from "@quorate/transaction";
import { Closing } from "./closing.ts";
import { type OpenEngine, openEngine } from "./engines.ts";
import { type Logger, logTo } from "./logging.ts";
import type { Quorate, Rpc } from "./quorate.ts";
import { closeOnSignal, type SignalOptions } from "./signals.ts";

const DEFAULT_GRACE_MS = 5_000;
const MAX_NAME_BYTES = 256;
const ENGINE_OPTIONS = ["namespace", "runtime", "requestTimeoutMs"] as const;
const OPTION_NAMES = [
  ...ENGINE_OPTIONS,
  "name",
  "lock",
  "cron",
  "once",
  "worker",
  "sagas",
  "tcc",
  "discovery",
  "logger",
  "signal",
] as const;

/** Options of `connect`. What a part takes by itself goes under the part's name. */
export interface ConnectOptions extends BackendOptions {
  /**
   * What people should call this process: its name in elections, in the history of jobs and where
   * workers are listed. Best the pod's. 1 to 256 bytes. @default a random one
   */
  readonly name?: string;
  readonly lock?: LocksOptions;
  readonly cron?: Omit<CronOptions, "name">;
  readonly once?: IdempotencyOptions;
  /** The worker that drives sagas and TCC. */
  readonly worker?: Omit<WorkerOptions, "label">;
  readonly sagas?: Omit<SagasOptions, "worker">;
  readonly tcc?: Omit<TccOptions, "worker">;
  readonly discovery?: RegistryOptions;
  /**
   * Where what happens is logged, see `logTo`: pino, bunyan, the console. Of the whole process, as
   * long as this is open. @default nowhere
   */
  readonly logger?: Logger;
  /** Gives up the wait for the server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the engine that a URL names (`memory:`, `redis:`, `rediss:`, `nats:`, `tls:`), or takes a
 * backend of yours, and checks that its server can serve us.
 *
 * A backend of yours is yours to close; its namespace and runtime are its own.
 *
 * @throws INVALID_ARGUMENT the URL or an option. UNSUPPORTED the client of this engine is not
 *   installed (the message has the command), or its server cannot serve us.
 * @throws STORE_UNAVAILABLE, STORE_REFUSED the server does not answer, or does not let us in.
 *
 * @example
 * import { connect } from "quorate";
 * await using q = await connect();
 * const total = await q.once.run("charge/42", () => 17);
 * console.log(total, await q.once.run("charge/42", () => 18)); // => 17 17
 */
export async function connect(
  target: string | Backend = "memory:",
  options: ConnectOptions = {},
): Promise<Quorate> {
  knownOptions("options", options, OPTION_NAMES);
  const { name = systemRuntime.ids.operation(), signal, logger, ...parts } = options;
  boundedString("name", name, MAX_NAME_BYTES);
  const opened = typeof target === "string" ? await open(target, options) : given(target, options);
  const engine = logger === undefined ? opened : await logged(opened, logger);
  try {
    await engine.backend.ready(signal === undefined ? {} : { signal });
  } catch (error) {
    await engine.close();
    throw error;
  }
  return new Connected(engine, name, parts);
}

function open(url: string, options: ConnectOptions): Promise<OpenEngine> {
  const { namespace, runtime, requestTimeoutMs } = options;
  return openEngine(url, {
    ...(namespace !== undefined && { namespace }),
    ...(runtime !== undefined && { runtime }),
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  });
}

/** The engine, and lines of what happens until it is closed. */
async function logged(engine: OpenEngine, logger: Logger): Promise<OpenEngine> {
  try {
    const logging = logTo(logger);
    return { ...engine, close: () => engine.close().finally(() => logging.close()) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function given(backend: Backend, options: ConnectOptions): OpenEngine {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("target", backend, "a URL, or a backend as redisBackend() makes one");
  }
  for (const option of ENGINE_OPTIONS) {
    if (options[option] === undefined) continue;
    throw invalidArgument(option, options[option], "left out: the backend has its own");
  }
  return { backend, close: async () => {} };
}

type Parts = Pick<
  ConnectOptions,
  "lock" | "cron" | "once" | "worker" | "sagas" | "tcc" | "discovery"
>;

class Connected implements Quorate {
  readonly backend: Backend;
  readonly #engine: OpenEngine;
  readonly #name: string;
  readonly #options: Parts;
  readonly #closing: Closing;
  readonly #lifecycle: Lifecycle;
  readonly #made = new Map<string, unknown>();
  readonly #rpc: Rpc = {
    serve: (contract, handlers, options) => this.#serve(contract, handlers, options),
    client: (contract, options) => this.#client(contract, options),
  };

  constructor(engine: OpenEngine, name: string, options: Parts) {
    this.backend = engine.backend;
    this.#engine = engine;
    this.#name = name;
    this.#options = options;
    this.#closing = new Closing(engine.backend.runtime);
    this.#lifecycle = new Lifecycle("this connection", engine.backend.runtime);
  }

  get lock(): Locks {
    return this.#part("lock", () =>
      this.#closing.add("holds", createLocks(this.backend, this.#options.lock)),
    );
  }

  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return this.lock.semaphore(name, options);
  }

  readWrite(name: string): ReadWriteLock {
    return this.lock.readWrite(name);
  }

  get guard(): Guard {
    return this.#part("guard", () => createGuard(this.backend.kv));
  }

  elect(name: string, options: ElectionOptions = {}): Election {
    return this.#part(`elect/${name}`, () => {
      const election = createElection(this.backend, name, { candidate: this.#name, ...options });
      return this.#closing.add("leaders", election);
    });
  }

  get cron(): Cron {
    return this.#part("cron", () =>
      this.#closing.add(
        "intake",
        createCron(this.backend, { ...this.#options.cron, name: this.#name }),
      ),
    );
  }

  get once(): Idempotency {
    return this.#part("once", () =>
      this.#closing.add("calls", createIdempotency(this.backend, this.#options.once)),
    );
  }

  get sagas(): Sagas {
    return this.#part("sagas", () => {
      // Whoever may send one may write the records themselves: docs/decisions/0019.
      const options = { remoteVerbs: true, ...this.#options.sagas, worker: this.#worker };
      return this.#closing.add("work", createSagas(this.backend, options));
    });
  }

  get tcc(): Tcc {
    return this.#part("tcc", () => {
      const options = { ...this.#options.tcc, worker: this.#worker };
      return this.#closing.add("work", createTcc(this.backend, options));
    });
  }

  get rpc(): Rpc {
    this.#lifecycle.assertOpen();
    return this.#rpc;
  }

  get discovery(): Registry {
    return this.#part("discovery", () => {
      const registry = createRegistry(this.backend, this.#options.discovery);
      this.#closing.add("presence", { close: () => registry.close() });
      return registry;
    });
  }

  members(group: string, options?: Omit<LeaseMembershipOptions, "group">): LeaseMembership {
    return this.#part(`members/${group}`, () => {
      const membership = createLeaseMembership(this.backend, { id: this.#name, ...options, group });
      // Said goodbye, nobody has to wait for its lease.
      this.#closing.add("presence", { close: () => membership.leave() });
      return membership;
    });
  }

  health(): Promise<Health> {
    return this.backend.health();
  }

  async close({ graceMs = DEFAULT_GRACE_MS }: { readonly graceMs?: Ms } = {}): Promise<void> {
    nonNegative("graceMs", graceMs);
    return this.#lifecycle.close(0, async () => {
      try {
        await this.#closing.close(graceMs);
      } finally {
        await this.#engine.close();
      }
    });
  }

  closeOnSignal(options?: SignalOptions): () => void {
    return closeOnSignal((grace) => this.close(grace), options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve<M extends Methods>(
    contract: Contract<M>,
    handlers: Handlers<Contract<M>>,
    options?: Omit<ServeOptions, "registry">,
  ): Promise<Server> {
    this.#lifecycle.assertOpen();
    const registry = this.discovery;
    return this.#closing.add(
      "intake",
      await serve(this.backend, contract, handlers, { ...options, registry }),
    );
  }

  #client<M extends Methods>(contract: Contract<M>, options?: ClientOptions): Client<Contract<M>> {
    const { name, version } = contract;
    return this.#part(`client/${name}/${version}`, () => {
      const { runtime } = this.backend;
      const endpoints = options?.endpoints ?? this.discovery.service(name, `^${version}`);
      const balancer = options?.balancer ?? createBalancer({ name, runtime });
      const made = client(this.backend, contract, { ...options, endpoints, balancer });
      return this.#closing.add("calls", made);
    });
  }

  /** One worker drives all that is driven: one lease, one pace. It ends after what it drives. */
  get #worker(): Worker {
    return this.#part("worker", () =>
      this.#closing.add(
        "calls",
        createWorker(this.backend, { ...this.#options.worker, label: this.#name }),
      ),
    );
  }

  #part<T>(name: string, make: () => T): T {
    this.#lifecycle.assertOpen();
    const found = this.#made.get(name) as T | undefined;
    if (found !== undefined) return found;
    const part = make();
    this.#made.set(name, part);
    return part;
  }
}
