/**
 * The branches of one run, in the process that runs it: begun, voted, let go of.
 *
 * Guarantees: what was begun is released, also what begins after everybody has stopped waiting for
 * it; whoever may have prepared is known by name, so that it can be told to abort.
 */
import type { Branch } from "./branch.ts";
import { callParticipant, type Desk } from "./desk.ts";
import type { Vote } from "./machine.ts";
import type { Begun, Participant } from "./participant.ts";
import type { Decision } from "./record.ts";

/** Why a transaction is not going to commit. */
export interface Failure {
  readonly reason: string;
  readonly cause: unknown;
}

/** The branches of one run. */
export class Branches {
  readonly #desk: Desk;
  readonly #branches: readonly Branch[];
  readonly #begun = new Map<string, Begun<unknown>>();
  readonly #votes = new Map<string, Vote>();
  readonly #mayBePrepared = new Set<string>();
  #isOver = false;
  #failure: Failure | undefined;

  constructor(desk: Desk, branches: readonly Branch[]) {
    this.#desk = desk;
    this.#branches = branches;
  }

  /** Of those who voted; the last resource has none, and counts as a yes. */
  get votes(): Iterable<Vote> {
    return this.#votes.values();
  }

  /** Why somebody voted no, or did not answer. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Who voted yes and has to be told to commit. */
  get yes(): readonly string[] {
    return [...this.#votes].filter(([, vote]) => vote === "yes").map(([name]) => name);
  }

  /** Who has to be told to abort: letting go of the rest is enough. */
  get doubtful(): readonly string[] {
    return [...this.#mayBePrepared];
  }

  /** Begins all at once. @throws the first one's error; the others are released by `release`. */
  async begin(signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const begun = await Promise.all(
      this.#branches.map(async (branch): Promise<readonly [string, unknown]> => {
        const { id, participant } = branch;
        const facts = { id, participant, doing: "begin" } as const;
        const one = await callParticipant(this.#desk, facts, signal, async (call) => {
          const arrived = await this.#of(participant).begin(branch, call);
          // Whoever asked for it may have gone.
          if (this.#isOver) await arrived.release("ended");
          else this.#begun.set(participant, arrived);
          return arrived;
        });
        return [participant, one.handle];
      }),
    );
    return Object.fromEntries(begun);
  }

  /** Asks all but `lastResource` to prepare, and waits for every vote, or the deadline. */
  async vote(lastResource: string, signal: AbortSignal): Promise<void> {
    const voters = this.#branches.filter(({ participant }) => participant !== lastResource);
    await Promise.all(voters.map((branch) => this.#ask(branch, signal)));
    if (lastResource !== "" && this.#failure === undefined) this.#votes.set(lastResource, "yes");
  }

  /** The last resource's own commit; `undefined`: nobody knows whether it happened. */
  async commitLast(name: string): Promise<Decision | undefined> {
    const begun = this.#begun.get(name);
    const branch = this.#branches.find(({ participant }) => participant === name);
    if (begun?.commitLast === undefined || branch === undefined) return "aborted";
    const { id, participant } = branch;
    const facts = { id, participant, doing: "commit" } as const;
    try {
      return await callParticipant(this.#desk, facts, undefined, async (call) =>
        begun.commitLast?.(call),
      );
    } catch {
      return undefined;
    }
  }

  /** Lets go of all. Never rejects. */
  async release(how: "ended" | "abandoned"): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([...this.#begun.values()].map((begun) => begun.release(how)));
  }

  async #ask({ id, participant }: Branch, signal: AbortSignal): Promise<void> {
    const begun = this.#begun.get(participant) as Begun<unknown>;
    const facts = { id, participant, doing: "prepare" } as const;
    // From here on a prepare may land, whatever is heard of it.
    this.#mayBePrepared.add(participant);
    try {
      const ballot = await callParticipant(this.#desk, facts, signal, (call) =>
        begun.prepare(call),
      );
      this.#votes.set(participant, ballot.vote);
      if (ballot.vote !== "yes") this.#mayBePrepared.delete(participant);
      if (ballot.vote !== "no") return;
      const why = ballot.why ?? "it did not say why";
      this.#failure ??= { reason: `${participant} voted no: ${why}`, cause: ballot.cause };
    } catch (error) {
      this.#votes.set(participant, "no");
      this.#failure ??= { reason: `${participant} did not vote`, cause: error };
    }
  }

  #of(name: string): Participant<unknown> {
    return this.#desk.participants.get(name) as Participant<unknown>;
  }
}
