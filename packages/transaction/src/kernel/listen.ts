/**
 * Listening to a subject of the bus for as long as a process works: asked for again until the bus
 * takes it.
 */
import { type Backend, type MessageHandler, sleep, type Subscription } from "@quorate/core";

const AGAIN_MS = 1_000;

/** What is listened to, and until when. */
export interface Listening {
  readonly subject: string;
  /** Each message goes to one of those who name the same. @default every listener hears it */
  readonly queue?: string;
  readonly signal: AbortSignal;
}

/** Listens until the signal. Never rejects; resolves once the bus knows, or the signal came. */
export async function listen(
  backend: Backend,
  listening: Listening,
  handler: MessageHandler,
): Promise<void> {
  const { subject, ...options } = listening;
  const { signal } = options;
  let subscription: Subscription | undefined;
  while (!signal.aborted && subscription === undefined) {
    try {
      subscription = await backend.bus.subscribe(subject, handler, options);
    } catch {
      await sleep(backend.runtime, AGAIN_MS, { signal, keepAlive: false }).catch(() => {});
    }
  }
}
