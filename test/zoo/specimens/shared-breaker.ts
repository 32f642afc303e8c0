/**
 * A fleet of breakers that agrees on what is not so.
 */
import type { Specimen } from "../specimen.ts";

const SHARED = "packages/resilience/src/shared";
const joined = "2026-11-21";

/** Bugs of shared breakers. */
export const SHARED_BREAKER: readonly Specimen[] = [
  {
    name: "fleet-record-written-blindly",
    story: "A prober that was paused wakes up and writes its verdict over what others agreed on.",
    edits: [
      {
        file: `${SHARED}/shared-fleet.ts`,
        find: "const options = { expect, timeoutMs",
        replace: "const options = { timeoutMs",
      },
    ],
    foundBy: { scenario: "shared-breaker", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "probes-beyond-its-lease",
    story:
      "The prober lets probes through until it hears of another, who began when its lease ended.",
    edits: [
      {
        file: `${SHARED}/shared-fleet.ts`,
        find: "leaseLeftMs(time, outlook.window) <= 0",
        replace: "leaseLeftMs(time, outlook.window) <= -Infinity",
      },
      {
        file: `${SHARED}/prober.ts`,
        find: "if (leaseLeft(stage.grant, moment) <= 0) return this.#end();",
        replace: "",
      },
      {
        file: `${SHARED}/fleet-machine.ts`,
        find: "if (probing !== undefined && leaseLeft(probing.grant, moment) > 0) {",
        replace: "if (probing !== undefined) {",
      },
    ],
    foundBy: { scenario: "shared-breaker", engine: "memory", profile: "calm", seeds: 40 },
    joined,
  },
  {
    name: "older-record-adopted",
    story: "What the watch tells is taken for the newest, though an answer has told newer things.",
    edits: [
      {
        file: `${SHARED}/standing.ts`,
        find: "if (!isNews) return false;",
        replace: "if (epoch === this.#epoch && !isNews) return false;",
      },
    ],
    foundBy: { scenario: "shared-breaker", engine: "memory", profile: "lossy", seeds: 20 },
    joined,
  },
  {
    name: "quorum-of-one",
    story: "The healthy are silent, so they are not counted: a broken cable opens all breakers.",
    edits: [
      {
        file: `${SHARED}/evidence.ts`,
        find: "seers >= limits.minInstances && seers >= limits.quorumShare * active",
        replace: "seers >= limits.quorumShare * active",
      },
      {
        file: `${SHARED}/jury.ts`,
        find: "return mine.active === 1 && hasSeers(this.#census.others, this.#settings);",
        replace: "return false;",
      },
    ],
    foundBy: { scenario: "shared-breaker", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "ramp-that-nobody-ends",
    story: "Who began the ramp is to end it; it was a person, or has died: it is never over.",
    edits: [
      {
        file: `${SHARED}/standing.ts`,
        find: "(isMine ? 1 : 1 + CLOSE_WAIT + chance * CLOSE_WAIT)",
        replace: "(isMine ? 1 : Infinity * (1 + CLOSE_WAIT + chance * CLOSE_WAIT))",
      },
    ],
    foundBy: { scenario: "shared-breaker", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
];
