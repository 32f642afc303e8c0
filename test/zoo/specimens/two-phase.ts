/**
 * Who may commit, and who may say that nobody will.
 */
import type { Specimen } from "../specimen.ts";

const ASK = "packages/transaction/src/two-phase/ask.ts";
const DELIVER = "packages/transaction/src/two-phase/deliver.ts";
const ENGINE = "packages/transaction/src/two-phase/engine.ts";
const KV = "packages/transaction/src/two-phase/kv-participant.ts";
const RUN = "packages/transaction/src/two-phase/run.ts";
const foundBy = { scenario: "two-phase", engine: "memory", profile: "harsh", seeds: 40 } as const;
const joined = "2026-11-21";

/** Bugs of two-phase commit. */
export const TWO_PHASE: readonly Specimen[] = [
  {
    name: "commit-before-it-is-durable",
    story:
      "The participants are told to commit while the decision is on its way to the store: who " +
      "asks past the deadline, or takes the record over, aborts the rest.",
    edits: [
      {
        file: RUN,
        find: '    return this.#write(held, "committed", { pending });',
        replace: `    const { id, tag } = this.#plan;
    await Promise.allSettled(
      pending.map((participant) => {
        return tell(this.#desk, { id, tag, participant, decision: "committed" });
      }),
    );
    return this.#write(held, "committed", { pending });`,
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "asker-aborts-without-asking-the-store",
    story:
      "Past the deadline whoever asks takes it for aborted and writes nothing: the coordinator, " +
      "late by a pause, still commits.",
    edits: [
      {
        file: ASK,
        find: "  const written = await raceAbort(desk.station.replace(stored, next), signal);",
        replace: "  const written = next;",
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "no-list-of-participants",
    story:
      "The first write does not say who takes part: whoever takes the record over has nobody to " +
      "tell, and what was prepared stays so; no sweep looks for it either.",
    edits: [
      {
        file: RUN,
        find: "      participants: branches.map(({ participant }) => participant),",
        replace: "      participants: branches.slice(0, 0).map(({ participant }) => participant),",
      },
      {
        file: ENGINE,
        find: "      await sweep(this.#desk, stopping);",
        replace: "      void sweep;",
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "prepared-and-forgotten",
    story:
      "Nobody looks for branches whose prepare landed after their transaction had been given up: " +
      "they hold their locks for ever.",
    edits: [
      {
        file: ENGINE,
        find: "      await sweep(this.#desk, stopping);",
        replace: "      void sweep;",
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "silence-is-a-yes",
    story: "A participant that did not answer is counted as one that voted yes.",
    edits: [
      {
        file: "packages/transaction/src/two-phase/branches.ts",
        find: `      this.#votes.set(participant, "no");
      this.#failure ??= { reason: \`\${participant} did not vote\`, cause: error };`,
        replace: `      this.#votes.set(participant, error === undefined ? "no" : "yes");`,
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "last-resource-not-asked",
    story:
      "Whoever takes a transaction over aborts it without a look at the last resource, whose own " +
      "commit was the commit point.",
    edits: [
      {
        file: ASK,
        find: '  if (participant === "") return "aborted";',
        replace: '  if (participant !== undefined) return "aborted";',
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "ended-before-all-have-carried-it-out",
    story: "One answer is taken for all: the participant that was not reached stays prepared.",
    edits: [
      {
        file: DELIVER,
        find: "    if (left.length === 0) return end(desk, held, progress, onAcked);",
        replace:
          "    if (left.length < progress.pending.length)\n" +
          "      return end(desk, held, progress, onAcked);",
      },
    ],
    foundBy,
    joined,
  },
  {
    name: "intent-taken-for-the-value",
    story: "A reader of the collection takes what is only intended for what is there.",
    edits: [
      {
        file: KV,
        find: '      if (answer === "undecided") return found;',
        replace:
          "      const next = { value: cell.intent.next };\n" +
          '      if (answer === "undecided") return { ...found, cell: next };',
      },
    ],
    foundBy,
    joined,
  },
];
