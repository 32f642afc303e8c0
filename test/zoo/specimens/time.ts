/**
 * Whose clock, from when, and with what margin.
 */
import type { Specimen } from "../specimen.ts";

const ACQUIRE = "packages/memory/src/handle/lease-acquire.ts";
const WINDOW = "packages/core/src/lease-window.ts";
const joined = "2026-11-21";

/** Bugs of time. */
export const TIME: readonly Specimen[] = [
  {
    name: "claim-counted-from-its-reply",
    story: "The lease is believed for a TTL from the answer; the store has counted since before.",
    edits: [
      {
        file: ACQUIRE,
        find: 'if (step.answer.kind === "granted") return { ...step.answer, window };',
        replace:
          'if (step.answer.kind === "granted")\n' +
          "      return { ...step.answer, window: leaseWindow(runtime.time, ttlMs) };",
      },
    ],
    foundBy: { scenario: "drift", engine: "memory", profile: "sluggish", seeds: 100 },
    joined,
  },
  {
    name: "confirmation-counted-from-its-reply",
    story: "The same after standing in line, where the first renewal confirms.",
    edits: [
      {
        file: ACQUIRE,
        find: 'return answer.kind === "renewed" ? { kind: "granted", holder, window } : undefined;',
        replace:
          'return answer.kind === "renewed"\n' +
          '      ? { kind: "granted", holder, window: leaseWindow(runtime.time, ttlMs) }\n' +
          "      : undefined;",
      },
    ],
    foundBy: { scenario: "drift", engine: "redis", profile: "sluggish", seeds: 300 },
    joined,
  },
  {
    name: "renewal-counted-from-its-reply",
    story: "Right at the claim, wrong at each renewal.",
    edits: [
      {
        file: "packages/lock/src/renewal-wheel.ts",
        find: "this.#settle(lease, answers[index], windows[index]);",
        replace: "this.#settle(lease, answers[index], leaseWindow(time, lease.ttlMs));",
      },
    ],
    foundBy: { scenario: "slow-answers", engine: "memory", profile: "cut-off", seeds: 400 },
    joined,
  },
  {
    name: "monotonic-clock-alone",
    story: "Steady, so it is trusted; it stands still while the machine sleeps.",
    edits: [
      {
        file: WINDOW,
        find: "return Math.min(byMonotonic, byWall);",
        replace: "return byMonotonic;",
      },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "sleepy", seeds: 60 },
    joined,
  },
  {
    name: "wall-clock-alone",
    story: "It sees sleep; set back, it makes a lease longer than the store does.",
    edits: [
      { file: WINDOW, find: "return Math.min(byMonotonic, byWall);", replace: "return byWall;" },
    ],
    foundBy: { scenario: "drift", engine: "memory", profile: "jumpy", seeds: 60 },
    joined,
  },
  {
    name: "no-margin-for-drift",
    story: "A holder whose clock is slow by half a percent believes 15 ms longer than the store.",
    edits: [
      { file: WINDOW, find: "return ttlMs * DRIFT + FLOOR_MS;", replace: "return ttlMs * 0;" },
    ],
    foundBy: { scenario: "drift", engine: "memory", profile: "drifting", seeds: 60 },
    joined,
  },
  {
    name: "late-grant-believed",
    story: "The answer comes when its lease is over, and is handed to the caller all the same.",
    edits: [
      {
        file: ACQUIRE,
        find: "const inTime = leaseLeftMs(this.#process.runtime.time, stand.window) > 0;",
        replace: "const inTime = true;",
      },
    ],
    foundBy: { scenario: "one-owner", engine: "memory", profile: "stragglers", seeds: 60 },
    joined,
  },
  {
    name: "lost-lock-handed-out",
    story: "The lock trusts its engine to look; an engine of somebody else does not (etcd#11456).",
    edits: [
      {
        file: "packages/lock/src/claim.ts",
        find: "const late = leaseLeftMs(runtime.time, answer) <= 0;",
        replace: "const late = false;",
      },
    ],
    foundBy: { scenario: "slow-engine", engine: "memory", profile: "calm", seeds: 10 },
    joined,
  },
  {
    name: "patience-on-the-wall-clock",
    story: "The wait is measured on the wall clock: set back by an hour, it lasts an hour longer.",
    edits: [
      {
        file: "packages/lock/src/claim.ts",
        find: `const startedMs = runtime.time.monotonicMs();
  const left = (): Ms => Math.max(0, request.waitMs - (runtime.time.monotonicMs() - startedMs));`,
        replace: `const startedMs = runtime.time.wallMs();
  const left = (): Ms => Math.max(0, request.waitMs - (runtime.time.wallMs() - startedMs));`,
      },
    ],
    foundBy: { scenario: "patience", engine: "memory", profile: "jumpy", seeds: 60 },
    joined,
  },
];
