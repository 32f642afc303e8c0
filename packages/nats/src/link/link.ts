/**
 * The link: whether the user's connection is up, which one it is, and whether it is alive.
 *
 * Clients hide disconnects: they take messages while there is no link, and either drop them or
 * send them later. So nothing is handed to the client unless the link is up, and every exchange
 * remembers which link it went out on: the server gives each connection a number of its own.
 *
 * A frozen server closes nothing, and clients ask it only every two minutes whether it lives. So
 * when an answer stays out we ask ourselves, and when that too is not answered we have the client
 * dial anew (`reconnect()`), which in a cluster finds another server.
 */
import { onAbort } from "@quorate/core";
import type { EventChannel, Ms, Runtime } from "@quorate/core";
import type { NatsConnectionLike } from "../connection.ts";
import { permissionRefusal } from "./status.ts";

/** How long a server may take to answer a ping before it counts as frozen. */
const PING_TIMEOUT_MS = 2_000;

/** Who wants to know about the link. */
export interface LinkListener {
  /** The connection died. */
  lost?(): void;
  /** A new connection is up, and the client has renewed its subscriptions. */
  up?(): void;
  /** The server refused a publication or subscription. */
  refused?(subject: string, reason: string): void;
}

/** What the channel `nats` tells about links. */
export interface LinkEvent {
  readonly kind: "link-lost" | "link-up" | "link-frozen" | "link-closed";
  readonly server: string;
}

/** Watches one connection. */
export class Link {
  readonly connection: NatsConnectionLike;
  readonly #runtime: Runtime;
  readonly #events: EventChannel<LinkEvent>;
  readonly #listeners = new Set<LinkListener>();
  readonly #waiting = new Set<() => void>();
  #state: "up" | "down" | "closed" | "released" = "up";
  #lastUpMs: Ms;
  #changes = 0;
  #epoch: { readonly text: string; readonly info: object; readonly changes: number } | undefined;
  #probing = false;
  #stopStatus: () => void = () => {};

  constructor(connection: NatsConnectionLike, runtime: Runtime) {
    this.connection = connection;
    this.#runtime = runtime;
    this.#events = runtime.events.channel<LinkEvent>("nats");
    this.#lastUpMs = runtime.time.monotonicMs();
    this.#follow();
  }

  /** The client gave up for ever: no call can succeed any more. */
  get closedForEver(): boolean {
    return this.#state === "closed" || this.connection.isClosed();
  }

  /** The backend was closed. */
  get released(): boolean {
    return this.#state === "released";
  }

  /** Names the present link; `undefined` while there is none. */
  get epoch(): string | undefined {
    const { info } = this.connection;
    if (this.#state !== "up" || info === undefined || this.connection.isClosed()) return undefined;
    const changes = this.#changes;
    if (this.#epoch?.info !== info || this.#epoch.changes !== changes) {
      const text = `${changes}/${info.server_id}/${info.client_id}`;
      this.#epoch = { text, info, changes };
    }
    return this.#epoch.text;
  }

  /** When the link was last seen to be up, on the monotonic clock. */
  get lastUpMs(): Ms {
    return this.epoch === undefined ? this.#lastUpMs : this.#runtime.time.monotonicMs();
  }

  /** Tells `listener` of changes until the function returned is called. */
  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Waits until the link is up; false when `timeoutMs` passed, `signal` aborted or all is over. */
  async whenUp(timeoutMs: Ms, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.epoch !== undefined) return true;
    if (this.closedForEver || this.released || timeoutMs <= 0) return false;
    if (signal?.aborted === true) return false;
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.time.setTimer(timeoutMs, () => done());
      const unsubscribe = onAbort(signal, () => done());
      const done = (): void => {
        timer.cancel();
        unsubscribe();
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
    });
    return this.epoch !== undefined;
  }

  /** An answer stayed out. Asks the server for a sign of life; without one, dials anew. */
  suspect(): void {
    if (this.#probing || this.epoch === undefined) return;
    this.#probing = true;
    const { epoch } = this;
    const timer = this.#runtime.time.setTimer(
      PING_TIMEOUT_MS,
      () => {
        this.#probing = false;
        if (epoch !== this.epoch) return;
        this.#tell("link-frozen");
        this.connection.reconnect?.().catch(() => {});
      },
      { keepAlive: false },
    );
    const alive = (): void => {
      timer.cancel();
      this.#probing = false;
    };
    this.connection.flush().then(alive, alive);
  }

  /** Forgets the connection, which stays open: it is the user's. */
  release(): void {
    if (this.#state !== "closed") this.#state = "released";
    this.#stopStatus();
    this.#listeners.clear();
    this.#wake();
  }

  #follow(): void {
    const statuses = this.connection.status();
    // Both clients return a queue that can be stopped; `return()` alone would wait for an event.
    const { stop } = statuses as { stop?: () => void };
    if (typeof stop === "function") this.#stopStatus = () => stop.call(statuses);
    const read = async (): Promise<void> => {
      for await (const status of statuses) {
        if (this.#state === "released") return;
        this.#onStatus(status.type, status);
      }
    };
    read().catch(() => {});
    const closed = (): void => this.#onClosed();
    this.connection.closed().then(closed, closed);
  }

  #onStatus(type: string, status: unknown): void {
    if (type === "disconnect") this.#onLost("link-lost");
    else if (type === "reconnect") this.#onUp();
    else if (type === "error") {
      const refusal = permissionRefusal(status);
      if (refusal === undefined) return;
      for (const listener of [...this.#listeners]) {
        listener.refused?.(refusal.subject, refusal.reason);
      }
    }
  }

  #onLost(kind: "link-lost" | "link-closed"): void {
    if (this.#state === "up") this.#lastUpMs = this.#runtime.time.monotonicMs();
    if (this.#state !== "closed") this.#state = "down";
    this.#changes += 1;
    this.#tell(kind);
    for (const listener of [...this.#listeners]) listener.lost?.();
  }

  #onUp(): void {
    this.#state = "up";
    this.#changes += 1;
    this.#tell("link-up");
    this.#wake();
    for (const listener of [...this.#listeners]) listener.up?.();
  }

  #onClosed(): void {
    if (this.#state === "released" || this.#state === "closed") return;
    this.#onLost("link-closed");
    this.#state = "closed";
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #tell(kind: LinkEvent["kind"]): void {
    if (!this.#events.hasSubscribers) return;
    this.#events.publish({ kind, server: this.connection.info?.server_id ?? "unknown" });
  }
}
