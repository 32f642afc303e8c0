/**
 * A session: one connection, as the store knows it.
 *
 * Whatever the store does for a process beyond answering (watches, subscriptions, the bell of its
 * waiters) hangs on a session, and ends with it. A wired session hears of the process only what
 * arrives: it opens with the first knock, is superseded by the process's next one, dies with the
 * server's life, and is swept out after long silence.
 *
 * Guarantees: what hangs on it ends exactly once. Requests of a superseded session still run, as
 * what is left in a dead socket's buffer does; those of one that the store has closed, or of a
 * server's earlier life, are refused, and the process is told.
 */
import type { Runtime, Timer } from "@quorate/core";
import type { Wire } from "../handle/wire.ts";

/** What a store tells the connections to it. */
export interface Connection {
  /** Nothing comes from the server any more, and nobody says so. */
  serverFrozen(): void;
  serverThawed(): void;
  serverStopped(): void;
  serverStarted(): void;
}

/** What sessions need of their store. */
export interface SessionHost {
  readonly runtime: Pick<Runtime, "time">;
  /** By process; a later session supersedes an earlier one. */
  readonly sessions: Map<string, WireSession>;
  connect(connection: Connection): void;
  disconnect(connection: Connection): void;
  /** Runs a request, now or later. False: it was not taken. */
  submit(request: () => void): boolean;
}

/** How often a session's silence is looked at, and how many silent looks end it. */
const IDLE_LOOK_MS = 10_000;
const IDLE_LOOKS = 3;

/** A connection, for what the store does on its behalf. */
export interface Session {
  /**
   * Hands `arrive` to the process, in order, unless the connection is lost before it arrives.
   * `label`: for traces of a wire.
   */
  push(arrive: () => void, label?: string): void;
}

/** Begins something at the store, telling `session`; the answer ends it. */
export type Begin = (session: Session) => () => void;

/** What a wired session is made of. */
interface WireSessionOptions {
  readonly store: SessionHost;
  readonly wire: Wire;
  /** Names the process at the store. */
  readonly process: string;
  /** Grows with each connection of the process. */
  readonly epoch: number;
  /** Takes at the process what arrives there. */
  readonly hear: (arrive: () => void) => void;
  /** Runs at the process when the server's host knows nothing of this connection. */
  readonly refused: () => void;
  /** What the store does for every session of this process. */
  readonly greet: Begin;
  /** The process will not come back: what it waits for is given up. */
  readonly gone: () => void;
}

/** The store's end of one wired connection. */
export class WireSession implements Session, Connection {
  readonly epoch: number;
  readonly #options: WireSessionOptions;
  readonly #ends = new Set<() => void>();
  #isOpened = false;
  #state: "open" | "superseded" | "closed" = "open";
  #isSilent = false;
  #silentLooks = 0;
  #look: Timer | undefined;

  constructor(options: WireSessionOptions) {
    this.#options = options;
    this.epoch = options.epoch;
  }

  /** A message of the process has arrived at the store's address. */
  arrive(request: () => void): void {
    const { store } = this.#options;
    const run = (): void => {
      if (this.#state === "closed") return this.#refuse();
      this.#isSilent = false;
      request();
    };
    if (!store.submit(run)) this.#refuse();
  }

  /** The process knocks: the session opens, once, unless a later one has. `onOpen` runs there. */
  open(onOpen: () => void): void {
    const { store, process, greet } = this.#options;
    if (this.#state !== "open") return;
    if (!this.#isOpened) {
      const before = store.sessions.get(process);
      if (before !== undefined && before.epoch > this.epoch) return this.#end("superseded");
      if (before !== undefined) before.#end("superseded");
      this.#isOpened = true;
      store.sessions.set(process, this);
      store.connect(this);
      this.hold(greet);
      this.#lookLater();
    }
    this.push(onOpen);
  }

  push(arrive: () => void, label = "push"): void {
    const { wire, hear } = this.#options;
    if (this.#state === "open") wire.toProcess(() => hear(arrive), label);
  }

  /** Begins what lasts until the session's end, or until the answer is called. */
  hold(begin: Begin): () => void {
    if (this.#state !== "open") return () => {};
    const end = begin(this);
    this.#ends.add(end);
    return () => {
      if (this.#ends.delete(end)) end();
    };
  }

  /** The store learns that the connection is gone, and says so to whoever still believes in it. */
  close(): void {
    if (this.#state !== "open") return;
    this.#end("closed");
    this.#refuse();
  }

  /** The process says goodbye. */
  leave(): void {
    if (this.#state !== "open") return;
    this.#end("closed");
    this.#options.gone();
  }

  serverStopped(): void {
    this.#end("closed");
  }

  serverStarted(): void {}
  serverFrozen(): void {}
  serverThawed(): void {}

  /** Whatever the store did for it ends. Pushes go nowhere from here on. */
  #end(how: "superseded" | "closed"): void {
    const { store, process } = this.#options;
    this.#state = how;
    this.#look?.cancel();
    if (store.sessions.get(process) === this) store.sessions.delete(process);
    store.disconnect(this);
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  /** As a host does that knows nothing of the connection: it says so. */
  #refuse(): void {
    const { wire, refused } = this.#options;
    wire.toProcess(refused, "refusal");
  }

  #lookLater(): void {
    const { time } = this.#options.store.runtime;
    this.#isSilent = true;
    this.#look = time.setTimer(IDLE_LOOK_MS, () => this.#lookAtSilence(), { keepAlive: false });
  }

  #lookAtSilence(): void {
    this.#silentLooks = this.#isSilent ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks >= IDLE_LOOKS) this.leave();
    else this.#lookLater();
  }
}
