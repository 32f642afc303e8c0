/**
 * News of a limit, to its own listeners and to the runtime's channels at once.
 *
 * An event that nobody hears is not even made: a full bulkhead may reject ten thousand calls a
 * second. Call `send` when the machine has settled; what listeners do then, another call included,
 * finds it whole. A listener or subscriber that throws harms nobody.
 */
import type { EventChannel, Runtime } from "@quorate/core";

import { Emitter, publish } from "./emitter.ts";

/** Events of one object, `E` from name to event; `budgetEmpty` is on `<kind>.budget-empty`. */
export class Signals<E extends object> {
  readonly #runtime: Runtime;
  readonly #kind: string;
  readonly #emitter: Emitter<E>;
  /** Looked up when there is first something to tell. */
  #channels: Map<string, EventChannel<object>> | undefined = undefined;

  constructor(runtime: Runtime, kind: string) {
    this.#runtime = runtime;
    this.#kind = kind;
    this.#emitter = new Emitter<E>(runtime);
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof E & string>(type: K, listener: (event: E[K]) => void): () => void {
    return this.#emitter.on(type, listener);
  }

  /** Tells of an event, made only if it is heard. Never throws. */
  send<K extends keyof E & string>(type: K, make: () => E[K] & object): void {
    const channel = this.#channel(type);
    if (channel.hasSubscribers) publish(this.#runtime, `${this.#kind}.${type}`, channel, make);
    if (this.#emitter.hears(type)) this.#emitter.emit(type, make());
  }

  #channel(type: string): EventChannel<object> {
    this.#channels ??= new Map();
    let channel = this.#channels.get(type);
    if (channel === undefined) {
      const name = type.replaceAll(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
      channel = this.#runtime.events.channel<object>(`${this.#kind}.${name}`);
      this.#channels.set(type, channel);
    }
    return channel;
  }
}
