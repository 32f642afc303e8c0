/**
 * Letting a candidate pass: how a leader chooses its successor, although the line is first come,
 * first served.
 *
 * The leader asks over the bus; each candidate that hears it, but the one that is named, leaves the
 * line and joins it again at its end. So the named one comes to the head, and nobody has stopped
 * campaigning: should it crash now, the next is right behind it. Nothing is written down, so there
 * is nothing that a crash could leave behind.
 *
 * Does not guarantee that anybody hears: the bus is at most once. The leader looks at the line, and
 * asks again, and keeps the leadership if that does not help.
 */
import { type MessageBus, parseJson, type Runtime, sleep } from "@quorate/core";
import { backoffMs } from "./backoff.ts";

const MAX_REQUEST_BYTES = 2_048;

/** One wish of a leader. Asked again it has the same id, and is granted once. */
export interface PassRequest {
  readonly id: string;
  /** Who shall pass. */
  readonly to: string;
}

/** Asks all who wait to let `request.to` pass. */
export function askToPass(
  bus: MessageBus,
  subject: string,
  request: PassRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const data = Buffer.from(JSON.stringify(request));
  return bus.publish(subject, data, signal === undefined ? {} : { signal });
}

/** What one who waits needs. */
export interface Listening {
  readonly bus: MessageBus;
  readonly runtime: Runtime;
  readonly subject: string;
  readonly candidate: string;
  readonly signal: AbortSignal;
  /** Another shall pass: go to the end of the line. */
  letPass(): void;
  failed(error: unknown, failures: number): void;
}

/** Listens until the signal aborts. Never rejects: who cannot listen can campaign all the same. */
export async function listen(listening: Listening): Promise<void> {
  const { bus, runtime, subject, signal } = listening;
  let granted: string | undefined;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const handler = ({ data }: { readonly data: Uint8Array }): void => {
        const request = readRequest(data);
        if (request === undefined || request.id === granted) return;
        granted = request.id;
        if (request.to !== listening.candidate) listening.letPass();
      };
      await bus.subscribe(subject, handler, { signal });
      return; // It survives reconnects, and ends by the signal.
    } catch (error) {
      if (signal.aborted) return;
      listening.failed(error, failures);
    }
    await sleep(runtime, backoffMs(failures, runtime.random), { signal, keepAlive: false }).catch(
      () => {},
    );
  }
}

function readRequest(data: Uint8Array): PassRequest | undefined {
  const read = parseJson(data, { maxBytes: MAX_REQUEST_BYTES, maxDepth: 2, maxNodes: 8 });
  if (!read.ok || typeof read.value !== "object" || read.value === null) return undefined;
  const { id, to } = read.value as { readonly id?: unknown; readonly to?: unknown };
  return typeof id === "string" && typeof to === "string" ? { id, to } : undefined;
}
