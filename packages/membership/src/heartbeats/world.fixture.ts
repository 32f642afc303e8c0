/**
 * Members of one group, each with a handle of its own on one store in memory, in scripted time:
 * each may be paused, killed, or cut from the store, and strangers may publish what they like.
 */
import type { MessageBus } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";

import { PausableRuntime } from "../../../../test/support/pausable-runtime.ts";
import type { MembershipEvent } from "../membership.ts";
import { createHeartbeats } from "./create-heartbeats.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { HeartbeatOptions } from "./options.ts";
import { type HeartbeatMessage, writeMessage } from "./wire.ts";

/** One process. */
export interface Process {
  readonly members: Heartbeats;
  readonly backend: MemoryBackend;
  readonly runtime: PausableRuntime;
  /** Stands still: timers and mail wait. */
  pause(): void;
  /** Goes on, as Node does: the due timers first, then the mail. */
  resume(): void;
}

/** A store, its time, and processes. */
export class GroupWorld {
  readonly runtime = new ScriptedRuntime();
  readonly #store = createMemoryStore({ runtime: this.runtime });
  readonly #stranger = memoryBackend({ store: this.#store, runtime: this.runtime });
  readonly #all: Process[] = [];

  /** Makes and starts a process; without an id, an onlooker. */
  async start(
    id: string | undefined,
    options: Partial<HeartbeatOptions> = {},
    around: (bus: MessageBus) => MessageBus = (bus) => bus,
  ): Promise<Process> {
    const process = this.make(id, options, around);
    const starting = process.members.start();
    let isStarted = false;
    starting.then(
      () => (isStarted = true),
      () => (isStarted = true),
    );
    for (let ms = 0; !isStarted && ms < 2_000; ms += 2) await this.runtime.advance(2);
    await starting;
    return process;
  }

  /** Makes a process. */
  make(
    id: string | undefined,
    options: Partial<HeartbeatOptions> = {},
    around: (bus: MessageBus) => MessageBus = (bus) => bus,
  ): Process {
    const runtime = new PausableRuntime(this.runtime, this.#all.length + 1);
    const backend = memoryBackend({ store: this.#store, runtime, requestTimeoutMs: 300 });
    const named = id === undefined ? {} : { id };
    const members = createHeartbeats(
      { bus: around(backend.bus), runtime },
      { group: "g", ...named, ...options },
    );
    const process = {
      ...{ members, backend, runtime },
      pause: () => {
        runtime.pause();
        backend.faults.pauseReplies();
      },
      resume: () => {
        runtime.resume();
        backend.faults.resumeReplies();
      },
    };
    this.#all.push(process);
    return process;
  }

  /** Several, some time later. */
  async group(...ids: readonly string[]): Promise<Process[]> {
    const processes = [];
    for (const id of ids) processes.push(await this.start(id));
    await this.runtime.advance(3_000);
    return processes;
  }

  /** Ends without a word, as SIGKILL does. */
  async kill(process: Process): Promise<void> {
    const closing = process.members.close();
    await this.runtime.advance(0);
    await closing;
  }

  /** A stranger says something to all, or to one. */
  async forge(message: HeartbeatMessage | Uint8Array, to?: string): Promise<void> {
    const data = message instanceof Uint8Array ? message : writeMessage(message);
    const subject = to === undefined ? "membership/g/beats" : `membership/g/to/${to}`;
    await this.#stranger.bus.publish(subject, data);
    await this.runtime.advance(0);
  }

  /** Facts of the events called `name`, oldest first. */
  events(name: string): readonly object[] {
    return this.runtime.recorded.filter((one) => one.name === name).map(({ event }) => event);
  }

  /** Ends all. */
  async close(): Promise<void> {
    for (const { members, resume, backend } of this.#all) {
      resume();
      backend.faults.restore();
      const closing = members.close().then(() => backend.close());
      await this.runtime.advance(2_000);
      await closing;
    }
    await this.#stranger.close();
  }
}

/** States by id, as `process` sees them. */
export function viewOf(process: Process): Readonly<Record<string, string>> {
  return Object.fromEntries(process.members.members.map(({ id, state }) => [id, state]));
}

/** Reads a watch into a list of words. */
export function record(events: AsyncIterable<MembershipEvent>): string[] {
  const words: string[] = [];
  void (async () => {
    for await (const event of events) {
      words.push("member" in event ? `${event.kind} ${event.member.id}` : event.kind);
    }
    words.push("end");
  })().catch((error: unknown) => words.push(String(error)));
  return words;
}
