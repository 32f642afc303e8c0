/**
 * Calls of streams: makes the iterables of one client, and ends them with it.
 *
 * A stream is asked for as a unary call is, by the same policy and the same routes; what is
 * repeated is the asking, never a stream that has begun: its consumer knows where it stands, and
 * nobody else does.
 */
import type { Ms } from "@quorate/core";
import type { StreamCallOptions } from "../client/call-options.ts";
import { checkCallOptions } from "../client/call-options.ts";
import type { Caller } from "../client/caller.ts";
import type { Connection } from "../client/connection.ts";
import type { Method } from "../contract.ts";
import { ClientStream } from "./client-stream.ts";
import { Inbox } from "./inbox.ts";
import type { ClientStreamSettings } from "./options.ts";
import { tooManyError } from "./stream-errors.ts";
import { StreamLink } from "./stream-link.ts";

/** What a caller of streams is made of. */
export interface StreamCallerParts {
  readonly connection: Connection;
  readonly caller: Caller;
  readonly settings: ClientStreamSettings;
  /** Time for a server to accept. */
  readonly timeoutMs: Ms;
}

/** Makes streams. */
export class StreamCaller {
  readonly #parts: StreamCallerParts;
  readonly #inbox: Inbox;
  readonly #open = new Set<ClientStream>();

  constructor(parts: StreamCallerParts) {
    this.#parts = parts;
    const { backend, id } = parts.connection;
    this.#inbox = new Inbox(backend.bus, id, () => backend.capabilities.maxValueBytes);
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Frames that no open stream waited for, or that were none. */
  get strayFrames(): number {
    return this.#inbox.counts.strayFrames + this.#inbox.counts.unreadable;
  }

  /** The items of one call; nothing is sent before the first is asked for. */
  call(method: Method, input: unknown, options: StreamCallOptions = {}): ClientStream {
    const { connection } = this.#parts;
    const { time } = connection.backend.runtime;
    connection.lifecycle.assertOpen();
    checkCallOptions(method, options);
    const { call: hop, idleTimeoutMs, signal, ...asked } = options;
    const ownMs = options.timeoutMs ?? method.timeoutMs ?? Infinity;
    const spec = method;
    const service = connection.contract.name;
    return new ClientStream({
      service,
      spec,
      signals: [signal, hop?.signal],
      idleMs: idleTimeoutMs ?? Infinity,
      timeoutMs: ownMs,
      nowMs: () => time.monotonicMs(),
      begun: (stream) => this.#begun(stream, method),
      ended: (stream) => void this.#open.delete(stream),
      open: (until) => {
        const deadlineMs = Math.min(time.monotonicMs() + ownMs, hop?.deadlineMs ?? Infinity);
        const idleMs = idleTimeoutMs ?? Infinity;
        return this.#ask(
          method,
          input,
          { ...asked, call: hop, signal: until },
          { deadlineMs, idleMs },
        );
      },
    });
  }

  /** Ends the streams of instances that have died. */
  endInstance(isGone: (instance: string) => boolean): void {
    for (const stream of this.#open) stream.gone(isGone);
  }

  /** Ends all streams. */
  endAll(): void {
    for (const stream of [...this.#open]) stream.leftBehind();
  }

  /** No more frames are received. */
  close(): Promise<void> {
    return this.#inbox.close();
  }

  #begun(stream: ClientStream, spec: Method): void {
    const { connection, settings } = this.#parts;
    connection.lifecycle.assertOpen();
    const { name: service } = connection.contract;
    if (this.size >= settings.maxStreams) throw tooManyError({ service, spec }, this.size);
    this.#open.add(stream);
  }

  /** One link of those that were tried; the others are closed. */
  async #ask(
    method: Method,
    input: unknown,
    options: StreamCallOptions,
    bounds: { readonly deadlineMs: Ms; readonly idleMs: Ms },
  ): Promise<StreamLink> {
    const { caller, connection, settings } = this.#parts;
    const { backend, contract: service } = connection;
    const { bus, capabilities, runtime } = backend;
    const inbox = this.#inbox;
    const maxBytes = capabilities.maxValueBytes;
    const tried: StreamLink[] = [];
    const begin = (): StreamLink => {
      const link = new StreamLink({ bus, runtime, service, inbox, settings, maxBytes, ...bounds });
      tried.push(link);
      return link;
    };
    let chosen: unknown;
    try {
      await inbox.ready();
      const leftMs = bounds.deadlineMs - runtime.time.monotonicMs();
      const timeoutMs = Math.max(1, Math.min(this.#parts.timeoutMs, leftMs));
      chosen = await caller.call(method, input, { ...options, timeoutMs }, begin);
      return chosen as StreamLink;
    } finally {
      for (const link of tried) if (link !== chosen) link.close();
    }
  }
}
