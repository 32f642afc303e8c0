/**
 * Typed listeners that can harm nobody.
 *
 * Listeners are told after the fact, one by one; one that throws keeps neither the others nor the
 * call from going on. Its error goes to the channel `quorate:resilience.listener-failed`.
 */
import type { EventChannel, Runtime } from "@quorate/core";

/** A listener, a classifier or another function of the caller's threw. */
export interface ListenerFailed {
  /** Which one: "listener of open", "classify". */
  readonly what: string;
  readonly error: unknown;
}

/** Reports that a function of the caller's threw. */
export function reportFailure(runtime: Runtime, what: string, error: unknown): void {
  try {
    const channel = runtime.events.channel<ListenerFailed>("resilience.listener-failed");
    if (channel.hasSubscribers) channel.publish({ what, error });
  } catch {
    // A subscriber of this channel that throws has nobody left to be told.
  }
}

/** Publishes, if anybody listens; a subscriber that throws does not reach the call. */
export function publish<T extends object>(
  runtime: Runtime,
  what: string,
  to: EventChannel<T>,
  make: () => T,
): void {
  if (!to.hasSubscribers) return;
  try {
    to.publish(make());
  } catch (error) {
    reportFailure(runtime, `subscriber of ${what}`, error);
  }
}

/** Listeners by type of event, `E` from name to event. */
export class Emitter<E extends object> {
  readonly #runtime: Runtime;
  #listeners: Map<keyof E, Set<(event: never) => void>> | undefined = undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Calls `listener` at each event of `type`, until the returned function is called. */
  on<K extends keyof E & string>(type: K, listener: (event: E[K]) => void): () => void {
    this.#listeners ??= new Map();
    const heard = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, heard);
    const member = (event: E[K]): void => listener(event); // One function may listen twice.
    heard.add(member);
    return () => void heard.delete(member);
  }

  /** Whether an event of `type` would be heard. */
  hears(type: keyof E): boolean {
    return (this.#listeners?.get(type)?.size ?? 0) > 0;
  }

  /** Tells the listeners of `type`. Never throws. */
  emit<K extends keyof E & string>(type: K, event: E[K]): void {
    const heard = this.#listeners?.get(type);
    if (heard === undefined) return;
    for (const listener of [...heard] as ((event: E[K]) => void)[]) {
      const failed = (error: unknown): void =>
        reportFailure(this.#runtime, `listener of ${type}`, error);
      try {
        const said: unknown = listener(event);
        if (said instanceof Promise) said.catch(failed); // An async function fails later.
      } catch (error) {
        failed(error);
      }
    }
  }
}
