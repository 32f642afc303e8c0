/**
 * The harness: what an engine's own test gives the conformance suite.
 *
 * The suite knows the waist and nothing of servers. A harness opens backends as other processes
 * would, lets the store's time pass, and does to the link and the server what the world does.
 * What a set-up cannot do it leaves out of `faults` and names in `ConformanceOptions.without`;
 * the cases that need it then appear as gated off, by name. A fault that is neither there nor
 * named fails its cases: nothing is skipped in silence.
 */
import type { Backend, Runtime } from "@quorate/core";

/** The part of a test framework that the suite needs: vitest has it, and so has `node:test`. */
export interface TestApi {
  /** A group of cases; `describe` of your runner. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** One case; `it` of your runner. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
  /** Runs when all cases have ended. Where it is missing, the last case closes the harness. */
  readonly afterAll?: (body: () => Promise<void>) => unknown;
}

/** How one backend is opened. */
export interface OpenOptions {
  /** @default one per harness, the same for each backend */
  readonly namespace?: string;
  /** @default the harness's own: scripted for memory, `systemRuntime` for servers */
  readonly runtime?: Runtime;
  /** @default 2000 */
  readonly requestTimeoutMs?: number;
}

/** What a set-up can do to a link or a server. Each is optional. */
export interface HarnessFaults {
  /** The backend's next write is executed, and its reply is lost with the connection. */
  loseNextReply(backend: Backend): Promise<void> | void;
  /**
   * The backend's next write is held on its way, while the connection dies: the caller gets no
   * answer. The function returned delivers it to the store: a straggler.
   */
  holdNextRequest(backend: Backend): (() => Promise<void> | void) | Promise<() => Promise<void>>;
  /** The backend's connections die, and new ones fail, until `restoreLink`. */
  cutLink(backend: Backend): Promise<void> | void;
  /** New connections succeed again. */
  restoreLink(backend: Backend): Promise<void> | void;
  /** The backend's connections die once; new ones succeed. */
  resetLink(backend: Backend): Promise<void> | void;
  /** Kills only what pushes changes to this backend (its subscriptions); it may come back. */
  cutSubscriptions(backend: Backend): Promise<void> | void;
  /** The backend's process stands still, as by SIGSTOP: it neither asks nor reads answers. */
  pauseProcess(backend: Backend): Promise<void> | void;
  /** It goes on where it stood, as by SIGCONT. */
  resumeProcess(backend: Backend): Promise<void> | void;
  /** The server stands still (SIGSTOP): it takes requests and answers when thawed. */
  freeze(): Promise<void> | void;
  /** It answers what has piled up, and goes on. */
  thaw(): Promise<void> | void;
  /** The server dies as by SIGKILL, and what it did not persist is lost; then it comes back. */
  killServer(): Promise<void> | void;
  /** Brings it back after `killServer`, on the same address. */
  restartServer(): Promise<void> | void;
  /** The store forgets everything (FLUSHALL, stream deleted). */
  flush(): Promise<void> | void;
  /** Another node takes over; resolves when it serves. */
  failover(): Promise<void> | void;
}

/** What a case may need of its harness. */
export type Need = keyof HarnessFaults | "serverResources";

/** One engine in one set-up. */
export interface Harness {
  /** For messages: `memory`, `redis 7.0.15`. */
  readonly name: string;
  /** A fresh backend, as another process would open it, on the same store. */
  open(options?: OpenOptions): Promise<Backend>;
  /** Lets `ms` of the store's time pass: scripted for memory, really slept for servers. */
  pass(ms: number): Promise<void>;
  readonly faults?: Partial<HarnessFaults>;
  /** Consumers and subscriptions that the server holds for us: must return to where they began. */
  readonly serverResources?: () => Promise<number>;
  /** Ends whatever the harness started. */
  close(): Promise<void>;
}

// By the type, so that a new fault cannot be forgotten here.
const NEEDS: Readonly<Record<Need, true>> = {
  loseNextReply: true,
  holdNextRequest: true,
  cutLink: true,
  restoreLink: true,
  resetLink: true,
  cutSubscriptions: true,
  pauseProcess: true,
  resumeProcess: true,
  freeze: true,
  thaw: true,
  killServer: true,
  restartServer: true,
  flush: true,
  failover: true,
  serverResources: true,
};

/** Whether the harness can do it. */
export function can(harness: Harness, need: Need): boolean {
  if (need === "serverResources") return harness.serverResources !== undefined;
  return harness.faults?.[need] !== undefined;
}

/**
 * What the harness cannot do: the `without` of a set-up that nobody has written down.
 *
 * @example
 * import { missingNeeds } from "@quorate/conformance";
 * import { memoryBackend } from "@quorate/memory";
 * const plain = {
 *   name: "memory",
 *   open: async () => memoryBackend(),
 *   pass: async () => {},
 *   close: async () => {},
 * };
 * console.log(missingNeeds(plain).includes("killServer")); // => true
 */
export function missingNeeds(harness: Harness): readonly Need[] {
  return (Object.keys(NEEDS) as Need[]).filter((need) => !can(harness, need));
}

/** How the suite is run. */
export interface ConformanceOptions {
  /** Faults that this set-up cannot do. A fault named here must be missing from the harness. */
  readonly without?: readonly Need[];
  /** Runs only cases whose full name (`area: case`) contains this. For work on one case. */
  readonly only?: string;
  /**
   * Multiplies the sizes of crowds (1000 watchers, 10 000 writes) for slow servers; the claims
   * stay the same. @default 1
   */
  readonly scale?: number;
  /**
   * How many cases may run at once, where they leave each other alone; those that need the same
   * disaster then suffer one together. For set-ups that wait for servers and for time to pass: a
   * harness whose `pass` moves a scripted clock needs 1. Cases are begun before the framework comes
   * to them, so choose some of them with `only`, not with the framework's own filter. @default 1
   */
  readonly concurrency?: number;
  /** Where the chance of random cases starts; a failure prints it. @default a new one */
  readonly seed?: number;
}

/** What became of a case: known after it ran. */
export interface ConformanceReport {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Cases that this set-up cannot run, each with why. */
  readonly gatedOff: readonly { readonly name: string; readonly why: string }[];
}
