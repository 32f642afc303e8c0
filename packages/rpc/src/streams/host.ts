/**
 * All streams of one server: takes them in up to a bound, hands clients' words to them, and ends
 * them when the server closes.
 */
import { deferred, type Message, type Ms } from "@quorate/core";
import { serverChannels } from "../server/events.ts";
import type { HookParts, StreamHost } from "../server/hooks.ts";
import type { WireAnswer, WireFailure } from "../wire/answer.ts";
import { failure } from "../wire/to-failure.ts";
import type { StreamWindow } from "../wire/window.ts";
import type { ServeStreamSettings } from "./options.ts";
import { type HostParts, ServedStream, type StreamCall } from "./served-stream.ts";
import { decodeWord } from "./wire.ts";

/** A call, and the window that came with it. */
export interface HostedCall extends StreamCall {
  readonly request: { readonly window?: StreamWindow | undefined };
}

/** Streams of the server of `parts`. */
export function streamHost(
  { backend, instance }: Pick<HookParts, "backend" | "instance">,
  settings: ServeStreamSettings,
): StreamHost {
  const { bus, runtime } = backend;
  // Asked when it is needed: an engine knows its limits for certain when it was first used.
  const maxBytes = (): number => backend.capabilities.maxValueBytes;
  const { failed } = serverChannels(runtime.events);
  const onError = ({ service, spec }: StreamCall, error: unknown): void => {
    if (!failed.hasSubscribers) return;
    failed.publish({ service, method: spec.name, instance, error });
  };
  return new Streams({ ...settings, bus, runtime, instance, maxBytes, onError });
}

/** Serves streams. */
export class Streams implements StreamHost {
  readonly #parts: HostParts;
  readonly #streams = new Map<string, ServedStream>();
  #isClosing = false;
  #strayWords = 0;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get running(): number {
    return this.#streams.size;
  }

  get strayWords(): number {
    return this.#strayWords;
  }

  /** Why no stream can begin now; `undefined`: one can. Ask before the handler is called. */
  refusal(): WireAnswer | undefined {
    const word = this.#isClosing ? "closing" : "streams";
    if (!this.#isClosing && this.running < this.#parts.maxStreams) return undefined;
    const told = failure("OVERLOADED", "none", { word });
    return { kind: "failed", failure: told, triesLeft: undefined };
  }

  /** Sends what `items`, or a promise of it, yields; resolves when the stream has ended. */
  async run(
    call: HostedCall,
    items: unknown,
    answer: (answer: WireAnswer) => void,
  ): Promise<WireFailure | undefined> {
    const { window } = call.request;
    const key = keyOf(call.client, call.id);
    if (window === undefined || this.#streams.has(key)) {
      const told = failure("CONTRACT_MISMATCH", "unknown", { word: "request" });
      answer({ kind: "failed", failure: told, triesLeft: undefined });
      return told;
    }
    answer({ kind: "accepted", instance: this.#parts.instance });
    const stream = new ServedStream(call, window, items, this.#parts);
    this.#streams.set(key, stream);
    const told = await stream.done;
    this.#streams.delete(key);
    return told;
  }

  /** A client's word arrived. */
  onControl(message: Pick<Message, "data">): void {
    const word = decodeWord(message.data);
    const stream = word && this.#streams.get(keyOf(word.client, word.id));
    if (stream === undefined) this.#strayWords += 1;
    else if (word?.credit === undefined) stream.stop();
    else stream.heard(word.credit);
  }

  drain(): void {
    this.#isClosing = true;
    if (this.#parts.onClose === "end") this.#endAll();
  }

  async close(graceMs: Ms): Promise<void> {
    this.#isClosing = true;
    if (this.#streams.size === 0) return;
    this.#endAll();
    const over = deferred<void>();
    const timer = this.#parts.runtime.time.setTimer(graceMs, over.resolve);
    const all = Promise.all([...this.#streams.values()].map(({ done }) => done));
    await Promise.race([all, over.promise]);
    timer.cancel();
  }

  #endAll(): void {
    for (const stream of this.#streams.values()) {
      stream.end("the server closes", failure("ABORTED", "unknown", { word: "closing" }));
    }
  }
}

/** The number goes first: whatever the client is called, two calls never share a key. */
function keyOf(client: string, id: number): string {
  return `${id} ${client}`;
}
