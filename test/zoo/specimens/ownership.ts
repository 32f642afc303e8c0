/**
 * Who may end, renew or have a claim.
 */
import type { Specimen } from "../specimen.ts";

const LINE = "packages/memory/src/store/lease-line.ts";
const joined = "2026-11-21";

/** Bugs of ownership. */
export const OWNERSHIP: readonly Specimen[] = [
  {
    name: "release-by-anyone",
    story: "A release frees whoever holds: one that comes after expiry ends another's lease.",
    edits: [
      {
        file: LINE,
        find: `const held = draft.holders.find((holder) => holder.owner === owner);
  if (held === undefined || (token !== undefined && held.token !== token)) {`,
        replace: `const [held] = draft.holders;
  if (held === undefined) {`,
      },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "harsh", seeds: 40 },
    joined,
  },
  {
    name: "release-without-token",
    story: "The owner is compared, the token is not: a late release frees the owner's next hold.",
    edits: [
      {
        file: LINE,
        find: "if (held === undefined || (token !== undefined && held.token !== token)) {",
        replace: "if (held === undefined) {",
      },
    ],
    foundBy: { scenario: "one-owner", engine: "memory", profile: "stragglers", seeds: 60 },
    joined,
  },
  {
    name: "renewal-without-token",
    story: "A renewal that comes late, after a release, is taken for one of the owner's next hold.",
    edits: [
      {
        file: LINE,
        find: 'if (held === undefined || held.token !== input.token) return { kind: "lost" };',
        replace: 'if (held === undefined) return { kind: "lost" };',
      },
    ],
    foundBy: { scenario: "one-owner", engine: "memory", profile: "stragglers", seeds: 60 },
    joined,
  },
  {
    name: "adopted-without-renewing",
    story:
      "The reply to a claim was lost; asked again, the store says that it is ours, and we count " +
      "a whole TTL from now, although the store counts from the first time. A prototype of this " +
      "lock had it, and the simulator's prototype found it at seed 3.",
    edits: [
      {
        file: LINE,
        find: "const expiresAtMs = Math.max(held.expiresAtMs, now.ms + claim.ttlMs);",
        replace: "const { expiresAtMs } = held;",
      },
    ],
    foundBy: { scenario: "lock", engine: "memory", profile: "harsh", seeds: 150 },
    origin: "found by us",
    joined,
  },
  {
    name: "unconfirmed-for-a-whole-ttl",
    story: "Handed over to a waiter that died, the lock is dead for its TTL and not for a window.",
    edits: [
      {
        file: LINE,
        find: "now.ms + (provisional ? Math.min(ttlMs, CLAIM_WINDOW_MS) : ttlMs)",
        replace: "now.ms + ttlMs",
      },
    ],
    foundBy: { scenario: "dead-waiter", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
  {
    name: "a-window-for-each-dead-waiter",
    story: "Ten waiters of a dead process keep their places: the living wait ten windows.",
    edits: [
      {
        file: LINE,
        find: "if (holder.provisional) stepBack(draft, holder.process);",
        replace: "",
      },
    ],
    foundBy: { scenario: "dead-waiter", engine: "memory", profile: "calm", seeds: 3 },
    joined,
  },
];
