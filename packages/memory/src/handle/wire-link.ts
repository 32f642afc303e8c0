/**
 * The wired link: a process that knows of its store only what arrives.
 *
 * It knocks until the store answers, sends questions while connected, keeps them until their
 * deadline while not, and hears answers of the present connection only. A connection ends when the
 * wire says so, when the server's host says that it knows nothing of it, or by long silence; then
 * what was asked is unknown, and it knocks again under the next epoch. What it sent before may
 * still arrive at the store, and runs there.
 *
 * Guarantees: a call settles within its deadline; `STORE_UNAVAILABLE` of a write means that it was
 * never sent. Does not guarantee that the store is alive while `isUp`: nobody can know that.
 */
import { deferred, type QuorateError, type Runtime, type Timer, withDeadline } from "@quorate/core";
import type { Store } from "../store/memory-store.ts";
import { type Begin, WireSession } from "../store/session.ts";
import { type MemoryFaults, wiredFaults } from "./faults.ts";
import { Heartbeat } from "./heartbeat.ts";
import { attempt, type Exchange, type Link, type LinkListener } from "./link.ts";
import { aborted, abortedUnsent, timedOut, unavailable, unheard } from "./link-errors.ts";
import type { Wire } from "./wire.ts";

/** Pause between two knocks: doubled each time. */
const SHORTEST_KNOCK_MS = 50;
const LONGEST_KNOCK_MS = 1_000;

/** Knocks without an answer after which a link that never was up is told as down. */
const HOPEFUL_KNOCKS = 6;

/** What a wired link is made of. */
export interface WireLinkOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly wire: Wire;
  /** Names the process at the store. */
  readonly process: string;
  readonly greet: Begin;
  readonly gone: () => void;
}

/** A question under way, or waiting for a connection. */
interface Call {
  isSent: boolean;
  readonly send: () => void;
  readonly lose: () => void;
}

/** A connection over a wire. */
export class WireLink implements Link {
  readonly listeners: Set<LinkListener> = new Set<LinkListener>();
  readonly faults: MemoryFaults = wiredFaults;
  readonly #options: WireLinkOptions;
  readonly #calls = new Set<Call>();
  readonly #heartbeat: Heartbeat;
  #state: "connecting" | "connected" | "closed" = "connecting";
  #session: WireSession;
  #knocks = 0;
  #knocking: Timer | undefined;
  #downSinceMs: number | undefined;

  constructor(options: WireLinkOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.runtime, {
      ping: (onAnswer) => this.#send("ping", (session) => session.push(onAnswer, "pong")),
      silent: (sinceMs) => this.#tell((listener) => listener.silent?.(sinceMs)),
      heard: () => this.#tell((listener) => listener.heard?.()),
      dead: () => this.#lose(),
    });
    const { wire, store, process } = options;
    wire.onReset((end) => {
      if (end === "process") this.#lose();
      else store.sessions.get(process)?.close();
    });
    this.#session = this.#newSession(1);
    this.#knock();
  }

  get isUp(): boolean {
    return this.#state === "connected";
  }

  /** Somebody else carries its messages. */
  get isCalm(): boolean {
    return false;
  }

  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  call<T>(exchange: Exchange<T>): Promise<T> {
    const { runtime } = this.#options;
    const { operation, timeoutMs, signal, kind } = exchange;
    if (this.#state === "closed") return Promise.reject(unavailable(operation, "it was closed"));
    const reply = deferred<T>();
    const sinceMs = runtime.time.monotonicMs();
    const silence = (): QuorateError => unheard(exchange, runtime.time.monotonicMs() - sinceMs);
    const unsent = (): QuorateError =>
      unavailable(operation, "there is no connection to the store");
    const call: Call = {
      isSent: false,
      send: () => this.#ask(exchange, reply),
      lose: () => reply.reject(call.isSent ? silence() : unsent()),
    };
    this.#calls.add(call);
    const whole = withDeadline(runtime, reply.promise, {
      timeoutMs,
      signal,
      onTimeout: () => {
        if (!call.isSent) return unsent();
        return kind === "read" ? timedOut(operation, timeoutMs) : silence();
      },
      onAborted: (reason) => {
        if (kind === "read") return reason;
        return call.isSent ? aborted(exchange, reason) : abortedUnsent(operation, reason);
      },
    });
    const forget = (): void => void this.#calls.delete(call);
    whole.then(forget, forget);
    if (this.isUp) this.#dispatch(call);
    return whole;
  }

  attach(begin: Begin): () => void {
    if (!this.isUp) return () => {};
    const asked = this.#session;
    let end = (): void => {};
    this.#send("subscribe", (session) => (end = session.hold(begin)));
    return () => {
      if (this.#session === asked) this.#send("unsubscribe", () => end());
    };
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#send("goodbye", (session) => session.leave());
    this.#state = "closed";
    this.#knocking?.cancel();
    this.#heartbeat.stop();
    for (const call of this.#calls) call.lose();
    this.#calls.clear();
    this.listeners.clear();
  }

  /** Sends a message on the present connection. */
  #send(label: string, message: (session: WireSession) => void): void {
    const session = this.#session;
    if (this.isUp) this.#options.wire.toStore(() => session.arrive(() => message(session)), label);
  }

  #dispatch(call: Call): void {
    call.isSent = true;
    call.send();
  }

  #ask<T>(
    exchange: Exchange<T>,
    reply: { resolve(value: T): void; reject(error: unknown): void },
  ): void {
    const { operation } = exchange;
    this.#send(operation, (session) => {
      const outcome = attempt(exchange, session, this.#options.store);
      if (outcome === undefined) return;
      const settle = (): void => {
        if ("error" in outcome) reply.reject(outcome.error);
        else reply.resolve(outcome.value);
      };
      session.push(settle, `answer to ${operation}`);
    });
  }

  #newSession(epoch: number): WireSession {
    const { store, wire, process, greet, gone } = this.#options;
    const isPresent = (): boolean => this.#state !== "closed" && this.#session.epoch === epoch;
    const hear = (arrive: () => void): void => {
      if (!isPresent()) return;
      if (this.isUp) this.#heartbeat.hear();
      arrive();
    };
    const refused = (): void => {
      if (!isPresent()) return;
      if (this.isUp) return this.#lose();
      // Closed over there before its opening was heard of here: the next knock is for a new one.
      this.#session = this.#newSession(epoch + 1);
    };
    return new WireSession({ store, wire, process, epoch, hear, refused, greet, gone });
  }

  /** Knocks until the store answers. */
  #knock(): void {
    const session = this.#session;
    const { runtime, wire } = this.#options;
    const knock = (): void => session.open(() => this.#opened());
    wire.toStore(() => session.arrive(knock), "knock");
    const pauseMs = Math.min(LONGEST_KNOCK_MS, SHORTEST_KNOCK_MS * 2 ** this.#knocks);
    this.#knocks += 1;
    if (this.#knocks === HOPEFUL_KNOCKS && this.#downSinceMs === undefined) this.#tellDown();
    const again = (): void => this.#knock();
    this.#knocking = runtime.time.setTimer(pauseMs, again, { keepAlive: false });
  }

  #opened(): void {
    if (this.#state !== "connecting") return;
    this.#state = "connected";
    this.#knocking?.cancel();
    this.#heartbeat.start();
    this.#tell((listener) => listener.up());
    for (const call of [...this.#calls]) if (!call.isSent) this.#dispatch(call);
  }

  /** The connection is gone: so is all that was on it. */
  #lose(): void {
    if (this.#state !== "connected") return;
    this.#state = "connecting";
    this.#heartbeat.stop();
    this.#session = this.#newSession(this.#session.epoch + 1);
    for (const call of [...this.#calls]) if (call.isSent) call.lose();
    this.#tellDown();
    this.#knocks = 0;
    this.#knock();
  }

  #tellDown(): void {
    const sinceMs = this.#options.runtime.time.monotonicMs();
    this.#downSinceMs = sinceMs;
    this.#tell((listener) => listener.down(sinceMs));
  }

  #tell(tell: (listener: LinkListener) => void): void {
    for (const listener of [...this.listeners]) if (this.listeners.has(listener)) tell(listener);
  }
}
