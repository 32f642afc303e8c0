/**
 * The direct link: a process in the store's own memory, and everything that may happen to it.
 *
 * Without a fault armed an exchange runs at once, in the caller's turn. With one it is a message
 * there and a message back, each of which may be late, piled up or lost, raced against the call's
 * own deadline and signal.
 */
import {
  deferred,
  type Deferred,
  type QuorateError,
  type Runtime,
  type Timer,
  withDeadline,
} from "@quorate/core";
import type { Store } from "../store/memory-store.ts";
import type { Begin, Connection, Session } from "../store/session.ts";
import type { MemoryFaults, NextWrite } from "./faults.ts";
import { attempt, type Exchange, type Link, type LinkListener } from "./link.ts";
import { aborted, timedOut, unavailable, unheard as unheardOf } from "./link-errors.ts";

/** Pushes kept for a paused process; beyond, its connection is reset, as servers do. */
const MAX_PILED_UP = 10_000;

/** Silence after which a link is taken for dead: as long as a server's heartbeats may be late. */
const SILENCE_MS = 2_000;

/** What a direct link is made of. */
export interface DirectLinkOptions {
  readonly store: Store;
  readonly runtime: Runtime;
  /** What the store does for this process all along. */
  readonly greet: Begin;
  /** The process will not come back: what it waits for is given up. */
  readonly gone: () => void;
}

/** A connection without a wire. */
export class DirectLink implements Link, Session, Connection, MemoryFaults {
  readonly listeners: Set<LinkListener> = new Set<LinkListener>();
  readonly #store: Store;
  readonly #runtime: Runtime;
  readonly #inFlight = new Set<Deferred<never>>();
  readonly #leave: () => void;
  #isCut = false;
  #delayMs = 0;
  #piledUp: (() => void)[] | undefined;
  #next: NextWrite | undefined;
  /** Grows with every lost connection: what belongs to an earlier one is not delivered. */
  #epoch = 0;
  #downSinceMs = 0;
  #silence: { readonly timer: Timer; isTold: boolean } | undefined;

  constructor(options: DirectLinkOptions) {
    const { store, runtime, greet, gone } = options;
    this.#store = store;
    this.#runtime = runtime;
    store.connect(this);
    const end = greet(this);
    this.#leave = () => {
      end();
      gone();
    };
  }

  get faults(): MemoryFaults {
    return this;
  }

  get isUp(): boolean {
    return !this.#isCut && !this.#store.isStopped;
  }

  get isCalm(): boolean {
    const isPlain = this.#next === undefined && this.#delayMs === 0 && this.#piledUp === undefined;
    return isPlain && !this.#isCut && this.#store.isWell;
  }

  get downSinceMs(): number {
    return this.#downSinceMs;
  }

  call<T>(exchange: Exchange<T>): Promise<T> {
    if (!this.isUp) return Promise.reject(this.#unavailable(exchange.operation));
    if (this.isCalm) return this.#atOnce(exchange);
    return this.#exchange(exchange, exchange.kind === "write" ? this.#takeNext() : undefined);
  }

  attach(begin: Begin): () => void {
    let end: (() => void) | undefined;
    let isOver = false;
    this.#store.submit(() => {
      if (this.isUp && !isOver) end = begin(this);
    });
    return () => {
      isOver = true;
      end?.();
      end = undefined;
    };
  }

  push(push: () => void): void {
    if (!this.isUp) return;
    const epoch = this.#epoch;
    const arrive = (): void => {
      if (epoch === this.#epoch) this.#hear(push);
    };
    if (this.#delayMs > 0) this.#after(this.#delayMs / 2, arrive);
    else if (this.#piledUp === undefined) queueMicrotask(arrive);
    else arrive();
  }

  close(): void {
    this.#leave();
    this.#lose();
    this.#isCut = true;
    this.#store.disconnect(this);
    this.listeners.clear();
  }

  serverFrozen(): void {
    const { time } = this.#runtime;
    const sinceMs = time.monotonicMs();
    const onSilence = (): void => {
      if (this.#silence === undefined) return;
      this.#silence.isTold = true;
      if (this.isUp) for (const listener of [...this.listeners]) listener.silent?.(sinceMs);
    };
    const timer = time.setTimer(SILENCE_MS, onSilence, { keepAlive: false });
    this.#silence = { timer, isTold: false };
  }

  serverThawed(): void {
    const wasTold = this.#endSilence();
    if (!wasTold || !this.isUp) return;
    for (const listener of [...this.listeners]) {
      this.push(() => {
        if (this.listeners.has(listener)) listener.heard?.();
      });
    }
  }

  serverStopped(): void {
    if (!this.#isCut) this.#lose();
  }

  serverStarted(): void {
    if (!this.#isCut) this.#announceUp();
  }

  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    if (!this.#store.isStopped) this.#lose();
  }

  restore(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    if (!this.#store.isStopped) this.#announceUp();
  }

  reset(): void {
    if (!this.isUp) return;
    this.#lose();
    this.#announceUp();
  }

  pauseReplies(): void {
    this.#piledUp ??= [];
  }

  resumeReplies(): void {
    const piledUp = this.#piledUp ?? [];
    this.#piledUp = undefined;
    for (const push of piledUp) push();
  }

  dropNextReply(): void {
    this.#next = { kind: "lose-reply" };
  }

  dropNextRequest(): void {
    this.#next = { kind: "lose-request" };
  }

  holdNextRequest(): () => void {
    const next: NextWrite = { kind: "hold", deliver: undefined };
    this.#next = next;
    return () => {
      const { deliver } = next;
      next.deliver = undefined;
      deliver?.();
    };
  }

  delay(ms: number): void {
    this.#delayMs = Math.max(0, ms);
  }

  /** At a store that is well, which answers every question. */
  #atOnce<T>(exchange: Exchange<T>): Promise<T> {
    try {
      return Promise.resolve(exchange.run(this));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #unavailable(operation: string): QuorateError {
    const why = this.#store.isStopped ? "the store is stopped" : "the link to the store is cut";
    return unavailable(operation, why);
  }

  #endSilence(): boolean {
    this.#silence?.timer.cancel();
    const wasTold = this.#silence?.isTold === true;
    this.#silence = undefined;
    return wasTold;
  }

  #takeNext(): NextWrite | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  #exchange<T>(exchange: Exchange<T>, next: NextWrite | undefined): Promise<T> {
    const { operation, timeoutMs, signal } = exchange;
    const reply = deferred<T>();
    const lost = deferred<never>();
    this.#inFlight.add(lost);
    const sentMs = this.#runtime.time.monotonicMs();
    const unheard = (): QuorateError =>
      unheardOf(exchange, this.#runtime.time.monotonicMs() - sentMs);
    lost.promise.catch(() => reply.reject(unheard()));
    this.#send(exchange, reply, next);
    const isRead = exchange.kind === "read";
    const late = (): QuorateError => (isRead ? timedOut(operation, timeoutMs) : unheard());
    const whole = withDeadline(this.#runtime, reply.promise, {
      timeoutMs,
      signal,
      onTimeout: late,
      onAborted: (reason) => (isRead ? reason : aborted(exchange, reason)),
    });
    const forget = (): void => void this.#inFlight.delete(lost);
    whole.then(forget, forget);
    return whole;
  }

  #send<T>(exchange: Exchange<T>, reply: Deferred<T>, next: NextWrite | undefined): void {
    const epoch = this.#epoch;
    const answer = (settle: () => void): void => {
      const arrive = (): void => {
        if (epoch === this.#epoch) this.#hear(settle);
      };
      if (this.#delayMs > 0) this.#after(this.#delayMs / 2, arrive);
      else arrive();
    };
    const execute = (): void => {
      const outcome = attempt(exchange, this, this.#store);
      if (outcome === undefined) return;
      const settle = (): void =>
        "error" in outcome ? reply.reject(outcome.error) : reply.resolve(outcome.value);
      if (next === undefined) answer(settle);
      else if (next.kind === "lose-reply") this.reset();
    };
    const arrive = (): void => {
      if (this.#store.submit(execute)) return;
      if (next === undefined) reply.reject(this.#unavailable(exchange.operation));
    };
    if (next?.kind === "lose-request") return void queueMicrotask(() => this.reset());
    if (next?.kind === "hold") {
      next.deliver = arrive;
      return void queueMicrotask(() => this.reset());
    }
    if (this.#delayMs > 0) this.#after(this.#delayMs / 2, arrive);
    else arrive();
  }

  #hear(push: () => void): void {
    if (this.#piledUp === undefined) return push();
    this.#piledUp.push(push);
    if (this.#piledUp.length > MAX_PILED_UP) this.reset();
  }

  /** The connection is gone: so is all that was on it. */
  #lose(): void {
    this.#epoch += 1;
    this.#endSilence();
    this.#downSinceMs = this.#runtime.time.monotonicMs();
    if (this.#piledUp !== undefined) this.#piledUp = [];
    for (const lost of [...this.#inFlight]) lost.reject(undefined);
    this.#inFlight.clear();
    for (const listener of [...this.listeners]) listener.down(this.#downSinceMs);
  }

  #announceUp(): void {
    for (const listener of [...this.listeners]) listener.up();
  }

  #after(ms: number, action: () => void): void {
    this.#runtime.time.setTimer(ms, action);
  }
}
