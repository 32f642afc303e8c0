/**
 * Lists of instances that are wrong for longer than they need be, and members that believe.
 */
import type { Specimen } from "../specimen.ts";

const MEMBER_LEASE = "packages/membership/src/leases/member-lease.ts";
const LEASE_VIEW = "packages/membership/src/leases/lease-view.ts";
const INSTANCES = "packages/discovery/src/registry/instances.ts";
const SHARED_SERVICE = "packages/discovery/src/registry/shared-service.ts";
const joined = "2026-11-21";

/** Bugs of membership by leases, and of the registry. */
export const REGISTRY: readonly Specimen[] = [
  {
    name: "member-by-hearsay",
    story: "A lease is held until the store says otherwise; one who is cut off hears no store.",
    edits: [
      {
        file: MEMBER_LEASE,
        find: "held.window) > 0) return held;",
        replace: "held.window) > 0 || this.#held === held) return held;",
      },
    ],
    foundBy: { scenario: "registry", engine: "memory", profile: "harsh", seeds: 100 },
    joined,
  },
  {
    name: "dead-stay-dead",
    story: "Who was down is down: a lease that is granted anew under that name is not looked at.",
    edits: [
      {
        file: LEASE_VIEW,
        find: "if (isSame(before, next)) return NOTHING;",
        replace: "if (isGone || isSame(before, next)) return NOTHING;",
      },
    ],
    foundBy: { scenario: "registry", engine: "redis", profile: "harsh", seeds: 40 },
    joined,
  },
  {
    name: "list-dropped-with-the-link",
    story: "The store cannot be reached, so what it said may be wrong: callers have nobody left.",
    edits: [
      {
        file: SHARED_SERVICE,
        find: "return staleSinceMs + this.parts.options.maxStaleMs;",
        replace: "return staleSinceMs;",
      },
    ],
    foundBy: { scenario: "registry", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
  {
    name: "self-preservation-for-ever",
    story:
      "A registry that lost many is doubted, and nothing ends the doubt: the dead stay listed.",
    edits: [
      {
        file: INSTANCES,
        find: "lostMs: now.monotonicMs });",
        replace: "lostMs: now.monotonicMs + 600_000 });",
      },
    ],
    foundBy: { scenario: "registry", engine: "memory", profile: "harsh", seeds: 20 },
    joined,
  },
];
