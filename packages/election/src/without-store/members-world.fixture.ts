/**
 * Members of an election without a store, each with a handle of its own on one store in memory, in
 * scripted time; each may be paused, and the bus between any two may be cut.
 */
import type { MessageBus } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { createMemoryStore, type MemoryBackend, memoryBackend } from "@quorate/memory";

import { PausableRuntime } from "../../../../test/support/pausable-runtime.ts";
import { readBallot } from "./ballot.ts";
import { createBullyElection, createRingElection } from "./create.ts";
import type { HintElection, HintElectionOptions } from "./hint-election.ts";

/** Durations of every election here. */
export const TIMING = { heartbeatMs: 100, suspectAfterMs: 400, answerMs: 50 };

/** How an election of a test is made. */
export type Make = typeof createBullyElection;

/** Both. */
export const MAKERS: readonly (readonly [name: "bully" | "ring", Make])[] = [
  ["bully", createBullyElection],
  ["ring", createRingElection],
];

/** One process. */
export interface Member {
  readonly election: HintElection;
  readonly backend: MemoryBackend;
  /** Stands still: timers and mail wait. */
  pause(): void;
  /** Goes on, as Node does: the due timers first, then the mail. */
  resume(): void;
}

/** A store, its time, and a network. */
export class MembersWorld {
  readonly runtime = new ScriptedRuntime();
  readonly ids: readonly string[];
  readonly members = new Map<string, Member>();
  /** Side of the partition by id; those on different sides do not hear one another. */
  readonly side = new Map<string, number>();
  readonly #store = createMemoryStore({ runtime: this.runtime });
  readonly #make: Make;
  #processes = 0;

  constructor(make: Make, ids: readonly string[] = ["a", "b", "c"]) {
    this.#make = make;
    this.ids = ids;
  }

  /** Makes and starts a process; with `epochs`, on the same store. */
  async start(
    self: string,
    options: Partial<Omit<HintElectionOptions, "epochs">> & { readonly epochs?: boolean } = {},
  ): Promise<Member> {
    this.#processes += 1;
    const runtime = new PausableRuntime(this.runtime, this.#processes);
    const backend = memoryBackend({ store: this.#store, runtime, requestTimeoutMs: 300 });
    const { epochs, ...rest } = options;
    const election = this.#make({ bus: this.#cuttable(self, backend.bus), runtime }, "job", {
      self,
      members: this.ids,
      ...TIMING,
      ...(epochs === true ? { epochs: backend, epochTtlMs: 1_000 } : {}),
      ...rest,
    });
    const member = {
      election,
      backend,
      pause: () => {
        runtime.pause();
        backend.faults.pauseReplies();
      },
      resume: () => {
        runtime.resume();
        backend.faults.resumeReplies();
      },
    };
    this.members.set(self, member);
    const starting = election.start();
    await this.runtime.advance(0);
    await starting;
    return member;
  }

  /** Whom each process names. */
  hints(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries([...this.members].map(([id, { election }]) => [id, election.leader]));
  }

  /** Facts of the events called `name`, oldest first. */
  events(name: string): readonly object[] {
    return this.runtime.recorded.filter((one) => one.name === name).map(({ event }) => event);
  }

  /** Ends all. */
  async close(): Promise<void> {
    for (const { election, resume } of this.members.values()) {
      resume();
      const closing = election.close();
      await this.runtime.advance(1_000);
      await closing;
    }
  }

  #cuttable(self: string, bus: MessageBus): MessageBus {
    return {
      publish: (...args) => bus.publish(...args),
      request: (...args) => bus.request(...args),
      subscribe: (target, handler, options) =>
        bus.subscribe(
          target,
          (message) => {
            const read = readBallot(message.data);
            const from = read.ok ? read.envelope.from : self;
            if ((this.side.get(from) ?? 0) !== (this.side.get(self) ?? 0)) return;
            return handler(message);
          },
          options,
        ),
    };
  }
}
