/**
 * Serves a contract: one instance of a service on a backend's bus.
 *
 * Instances share the calls through a queue of the bus; each has a subject of its own besides, for
 * callers that choose. Calls pass admission (a limit that finds itself, a short line, nothing that
 * would come too late), run with a deadline and a signal, and are answered with an output, or with
 * what became of them.
 *
 * Guarantees: input and output are what the contract says; a call runs at most once at this
 * instance; a handler that throws whatever harms nobody but its own call; after `close` nothing
 * runs that the caller was not told of.
 * Does not guarantee that a handler stops when its signal aborts, nor that an unsafe call which a
 * bus delivers to two instances runs once: the bus delivers at most once, so that takes a broken
 * connection. Where that matters, make the method `keyed`.
 */
import { Lifecycle, nonNegative } from "@quorate/core";
import type { Backend, CloseOptions, Message, Ms, Subscription } from "@quorate/core";
import type { Registration } from "@quorate/discovery";
import type { AdmissionStats } from "@quorate/resilience";
import type { Contract, Methods } from "../contract-types.ts";
import { callSubject, cancelSubject, instanceSubject, QUEUE } from "../subjects.ts";
import { keyedCalls } from "../keyed/keyed-calls.ts";
import { orphanWatch } from "../orphans/watch.ts";
import { streamHost } from "../streams/host.ts";
import { Clients } from "./clients.ts";
import { type ServerCounts, serverCounts } from "./counts.ts";
import { serverChannels } from "./events.ts";
import type { HookParts, Hooks } from "./hooks.ts";
import { type Handlers, type ServeOptions, type ServeSettings, serveSettings } from "./options.ts";
import { Unpacker } from "../packing/unpacker.ts";
import { Reception } from "./reception.ts";

/** Figures of a server. */
export interface ServerStats {
  /** Calls that run or wait now. */
  readonly running: number;
  /** Calls answered with an output. */
  readonly served: number;
  /** Calls answered with a failure. */
  readonly failed: number;
  /** Calls that their callers cancelled while they ran. */
  readonly cancelled: number;
  /** Answers that the bus did not take. */
  readonly unanswered: number;
  /** Messages that were none of ours. */
  readonly unreadable: number;
  /** Calls that came too late and were not run. */
  readonly expired: number;
  /** Calls that came again and were not run. */
  readonly duplicate: number;
  /** Clients that are remembered. */
  readonly clients: number;
  /** Streams that run now; they count in `running`, too. */
  readonly streams: number;
  /** Words to streams that there are not: late, foreign, or none at all. */
  readonly strayWords: number;
  /** Of its admission. */
  readonly admission: AdmissionStats;
}

/** One instance of a service. */
export interface Server extends AsyncDisposable {
  /** Name of this instance. */
  readonly id: string;
  /** Its figures now. */
  readonly stats: ServerStats;
  /**
   * Drains: takes no further calls, lets what runs finish for `graceMs`, then aborts it. With a
   * registry it first says that it drains, and waits until callers have heard (`watchDelayMs`;
   * not with `graceMs: 0`); its registration ends last. Twice is fine. The backend stays open.
   * @default graceMs 1000
   */
  close(options?: CloseOptions): Promise<void>;
}

const DEFAULT_GRACE_MS = 1_000;

/**
 * Starts an instance of the contract's service; resolves when calls can reach it.
 *
 * @throws INVALID_ARGUMENT an option or a handler is not what it must be.
 * @throws STORE_UNAVAILABLE the bus could not be subscribed to.
 * @example
 * import { memoryBackend } from "@quorate/memory";
 * import { client, contract, serve } from "@quorate/rpc";
 * import { z } from "zod";
 * const Greeter = contract("greeter", "1.0.0", {
 *   greet: { input: z.string(), output: z.string(), repeat: "safe" },
 * });
 * const backend = memoryBackend();
 * const server = await serve(backend, Greeter, { greet: (name) => `hello, ${name}` });
 * const greeter = client(backend, Greeter);
 * console.log(await greeter.greet("Ada")); // => hello, Ada
 * await greeter.close();
 * await server.close();
 * await backend.close();
 */
export async function serve<M extends Methods>(
  backend: Backend,
  contract: Contract<M>,
  handlers: Handlers<Contract<M>>,
  options: ServeOptions = {},
): Promise<Server> {
  const settings = serveSettings(contract, handlers, options, backend.runtime);
  const instance = new Instance(backend, contract, settings);
  await instance.start();
  return instance;
}

class Instance implements Server {
  readonly id: string;
  readonly #backend: Backend;
  readonly #contract: Contract;
  readonly #settings: ServeSettings;
  readonly #clients = new Clients();
  readonly #counts: ServerCounts = serverCounts();
  readonly #hooks: Hooks;
  readonly #reception: Reception;
  readonly #lifecycle: Lifecycle;
  #subscriptions: readonly Subscription[] = [];
  #unpacker: Unpacker | undefined = undefined;
  #registration: Registration | undefined;
  #closing: Promise<void> | undefined;

  constructor(backend: Backend, contract: Contract, settings: ServeSettings) {
    const { runtime } = backend;
    const { gate, handled, instance } = settings;
    this.id = instance;
    this.#backend = backend;
    this.#contract = contract;
    this.#settings = settings;
    this.#lifecycle = new Lifecycle(`the server of ${contract.name}`, runtime);
    this.#hooks = hooksOf({ backend, contract, instance, clients: this.#clients }, settings);
    this.#reception = new Reception({
      service: contract.name,
      instance,
      runtime,
      gate,
      handled,
      clients: this.#clients,
      hooks: this.#hooks,
      counts: this.#counts,
      channels: serverChannels(runtime.events),
    });
  }

  get stats(): ServerStats {
    return {
      running: this.#reception.running,
      ...this.#counts,
      clients: this.#clients.size,
      streams: this.#hooks.streams?.running ?? 0,
      strayWords: this.#hooks.streams?.strayWords ?? 0,
      admission: this.#settings.gate.stats,
    };
  }

  /** Subscribes; the queue last, so that whoever is dealt a call can be cancelled. */
  async start(): Promise<void> {
    const { bus, runtime } = this.#backend;
    const contract = this.#contract;
    const { onCancel, onMessage: handle } = this.#reception;
    const unpacker = new Unpacker({ bus, runtime, handle });
    const made: Subscription[] = [];
    this.#unpacker = unpacker;
    try {
      // A cancel must not overtake the call that it is for.
      const cancel = (message: Message): void => unpacker.after(message, onCancel);
      made.push(await bus.subscribe(cancelSubject(contract), cancel));
      made.push(await bus.subscribe(instanceSubject(contract, this.id), unpacker.onMessage));
      made.push(await bus.subscribe(callSubject(contract), unpacker.onMessage, { queue: QUEUE }));
      this.#registration = await this.#register();
    } catch (error) {
      await Promise.all(made.map((one) => one.close()));
      throw error;
    }
    this.#subscriptions = made;
  }

  close(options: CloseOptions = {}): Promise<void> {
    const graceMs = nonNegative("graceMs", options.graceMs ?? DEFAULT_GRACE_MS);
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #register(): Promise<Registration | undefined> {
    const { place, registry } = this.#settings;
    const { name: service, version } = this.#contract;
    const address = instanceSubject(this.#contract, this.id);
    return registry?.register({ service, version, address, id: this.id, ...place });
  }

  /** Callers that choose are told first, and have time to hear it, before calls are refused. */
  async #close(graceMs: Ms): Promise<void> {
    const finish = (): Promise<void> => this.#finish(graceMs);
    // Whoever gives no grace does not wait for others either.
    const delay = graceMs === 0 ? { delayMs: 0 } : {};
    // A registry that was closed before, or a store that is away, keeps nobody from closing.
    await this.#registration?.drain({ finish, ...delay }).catch(() => {});
    await finish();
  }

  #finish(graceMs: Ms): Promise<void> {
    if (!this.#lifecycle.isClosed) void this.#lifecycle.track(this.#drain());
    return this.#lifecycle.close(graceMs, () => this.#release(graceMs));
  }

  /** Out of the queue first: what is dealt to others cannot be refused here. */
  async #drain(): Promise<void> {
    const [, , queue] = this.#subscriptions;
    await queue?.close();
    this.#unpacker?.drain();
    this.#reception.stopIntake();
    this.#hooks.streams?.drain();
    await this.#reception.whenIdle();
  }

  async #release(graceMs: Ms): Promise<void> {
    this.#reception.stopIntake();
    this.#reception.abortAll();
    const { keyed, orphans, streams } = this.#hooks;
    await streams?.close(graceMs);
    await orphans?.close();
    await keyed?.close(graceMs);
    await Promise.all(this.#subscriptions.map((one) => one.close()));
  }
}

/** What the contract's methods, and the options, ask for. */
function hooksOf(parts: HookParts, settings: ServeSettings): Hooks {
  const methods = [...settings.handled.values()].map(({ method }) => method);
  return {
    keyed: methods.some(({ repeat }) => repeat === "keyed")
      ? keyedCalls(parts, settings.idempotency)
      : undefined,
    streams: methods.some(({ kind }) => kind === "stream")
      ? streamHost(parts, settings.streams)
      : undefined,
    orphans: settings.orphans === "abort" ? orphanWatch(parts) : undefined,
  };
}
