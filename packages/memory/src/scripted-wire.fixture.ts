/**
 * A wire by hand: what travels between one process and its store, delayed, lost or held as told.
 *
 * Messages of one direction arrive in order, `hops` turns of the event loop later, or in the next
 * microtask where there are none: no scripted time passes, so that who waits need not let it. What
 * a cut or a reset finds on its way is lost, as is what a dead connection would have carried later.
 */
import type { Wire, WireEnd } from "./handle/wire.ts";

type Deliver = () => void;

/** One process's wire. */
export class ScriptedWire implements Wire {
  /** Each way: turns of the event loop. */
  hops: number;
  /** Messages sent so far, each way. */
  readonly sent = { toStore: 0, toProcess: 0 };
  readonly #listeners: ((end: WireEnd) => void)[] = [];
  #connection = 0;
  #isCut = false;
  #isMute = { toStore: false, toProcess: false };
  #piledUp: Deliver[] | undefined;
  #next: ((deliver: Deliver) => void) | undefined;

  constructor(hops = 0) {
    this.hops = hops;
  }

  toStore(deliver: Deliver): void {
    this.sent.toStore += 1;
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) next(deliver);
    else if (!this.#isCut && !this.#isMute.toStore) this.#carry(deliver);
  }

  toProcess(deliver: Deliver): void {
    this.sent.toProcess += 1;
    const arrive = (): void => {
      if (this.#isMute.toProcess) return;
      if (this.#piledUp === undefined) deliver();
      else this.#piledUp.push(deliver);
    };
    if (!this.#isCut) this.#carry(arrive);
  }

  onReset(listener: (end: WireEnd) => void): void {
    this.#listeners.push(listener);
  }

  /** The connection dies, and the process is told; the store need not be. */
  reset(told: WireEnd = "process"): void {
    this.#connection += 1;
    if (this.#piledUp !== undefined) this.#piledUp = [];
    for (const listener of this.#listeners) listener(told);
  }

  /** The connection dies, and new ones fail. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  restore(): void {
    this.#isCut = false;
  }

  /** Half-open: nothing arrives in the directions given, and nobody is told. */
  mute(directions: { toStore?: boolean; toProcess?: boolean }): void {
    this.#isMute = { toStore: false, toProcess: false, ...directions };
  }

  /** What arrives at the process piles up. */
  pauseProcess(): void {
    this.#piledUp ??= [];
  }

  resumeProcess(): void {
    const piledUp = this.#piledUp ?? [];
    this.#piledUp = undefined;
    for (const deliver of piledUp) deliver();
  }

  /** The next message arrives at the store, and the connection dies with the answer. */
  loseNextReply(): void {
    this.#next = (deliver) => {
      this.#later(() => {
        deliver();
        this.reset();
      });
    };
  }

  /** The next message stays on its way while the connection dies; the answer delivers it. */
  holdNext(): Deliver {
    let held: Deliver | undefined;
    this.#next = (deliver) => {
      held = deliver;
      this.#later(() => this.reset());
    };
    return () => {
      held?.();
      held = undefined;
    };
  }

  #carry(deliver: Deliver): void {
    const connection = this.#connection;
    this.#later(() => {
      if (connection === this.#connection) deliver();
    });
  }

  #later(action: Deliver, hops = this.hops): void {
    if (this.hops === 0) queueMicrotask(action);
    else if (hops === 0) action();
    else setImmediate(() => this.#later(action, hops - 1));
  }
}
