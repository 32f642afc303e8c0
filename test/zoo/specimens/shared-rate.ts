/**
 * A fleet that lends the same share twice.
 */
import type { Specimen } from "../specimen.ts";

const SLICES = "packages/resilience/src/slices";
const joined = "2026-11-21";

/** Bugs of shared rates. */
export const SHARED_RATE: readonly Specimen[] = [
  {
    name: "slice-used-past-its-end",
    story: "The store cannot be reached, so the slice is used on: nobody has taken it away.",
    edits: [
      {
        file: `${SLICES}/tenure.ts`,
        find: 'if (onStoreLost === "stop") return 0;',
        replace: 'if (onStoreLost === "stop") return this.#parts;',
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "memory", profile: "cut-off", seeds: 20 },
    joined,
  },
  {
    name: "slices-written-blindly",
    story: "Two instances read that half is free; each writes that it has taken that half.",
    edits: [
      {
        file: `${SLICES}/tenant.ts`,
        find: "const write = { expect, ttlMs: RETENTION_MS, ...this.#call };",
        replace: "const write = { ttlMs: RETENTION_MS, ...this.#call };",
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "redis", profile: "lossy", seeds: 20 },
    joined,
  },
  {
    name: "slice-taken-from-the-living",
    story: "Who has not renewed for half a lease is dead; but it still has the other half.",
    edits: [
      {
        file: `${SLICES}/sightings.ts`,
        find: "this.#patienceMs = leaseMs + leaseMarginMs(leaseMs);",
        replace: "this.#patienceMs = leaseMs / 2 + leaseMarginMs(leaseMs);",
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "slice-cut-after-the-answer",
    story: "What is given up is used until the store has confirmed it; others have it by then.",
    edits: [
      {
        file: `${SLICES}/tenant.ts`,
        find: "this.#lower(loan?.held ?? 0);",
        replace: "if (loan === undefined) this.#lower(0);",
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "memory", profile: "lossy", seeds: 40 },
    joined,
  },
  {
    name: "newcomer-with-a-full-bucket",
    story: "A new bucket is a full one; so each restart and each rest is worth a burst.",
    edits: [
      {
        file: `${SLICES}/sliced-bucket.ts`,
        find: "if (savings > 0) this.bucket.add(",
        replace: "if (savings > 0) this.bucket.add(this.#rate.capacity + ",
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "memory", profile: "harsh", seeds: 10 },
    joined,
  },
  {
    name: "permits-written-blindly",
    story: "An exact limit counts in what it read last, and writes over what others have counted.",
    edits: [
      {
        file: `${SLICES}/permit-desk.ts`,
        find: "const put = await kv.put(key, text, { expect, ttlMs, timeoutMs });",
        replace: "const put = await kv.put(key, text, { ttlMs, timeoutMs });",
      },
    ],
    foundBy: { scenario: "shared-rate", engine: "memory", profile: "calm", seeds: 20 },
    joined,
  },
];
