/**
 * The options of an election without a store, checked at once, before anything is sent.
 */
import {
  type Backend,
  callable,
  checkName,
  compareNames,
  invalidArgument,
  knownOptions,
  MAX_SEGMENT_BYTES,
  type Ms,
  ttl,
} from "@quorate/core";
import { MIN_LOCK_TTL_MS } from "@quorate/lock";
import type { HintElectionOptions } from "./hint-election.ts";
import type { MachineSettings } from "./machine.ts";
import { checkMemberId, Members } from "./members.ts";
import { checkTiming } from "./timing.ts";

/** Where messages go and what time it is: any backend, or the two halves of one. */
export type HintBackend = Pick<Backend, "bus" | "runtime">;

/** Options, checked. */
export interface CheckedHintOptions {
  readonly name: string;
  readonly settings: MachineSettings;
  /** The members now; with a provider, as it says when it is asked. */
  members(): Members;
  /** Whether `members` may change its mind. */
  readonly changes: boolean;
  readonly epochs: Backend | undefined;
  readonly epochTtlMs: Ms;
}

const NAMES = [
  "self",
  "members",
  "compare",
  "epochs",
  "epochTtlMs",
  "heartbeatMs",
  "suspectAfterMs",
  "answerMs",
] as const;

const DEFAULT_EPOCH_TTL_MS = 10_000;

/** Checks what `createBullyElection` and `createRingElection` are given. */
export function checkHintElection(
  backend: HintBackend,
  name: string,
  options: HintElectionOptions,
): CheckedHintOptions {
  if (typeof backend?.bus?.subscribe !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  checkName("name", name);
  // The longest subject that it may come to: a member's id has at most 128 bytes.
  checkName("name with its subject", `elections/bully/${name}/to/${"x".repeat(MAX_SEGMENT_BYTES)}`);
  knownOptions("options", options, NAMES);
  const self = checkMemberId("self", options.self);
  const { members, epochs } = options;
  const compare = callable("compare", options.compare ?? compareNames);
  if (epochs !== undefined && typeof epochs?.leases?.acquire !== "function") {
    throw invalidArgument("epochs", epochs, "a backend, as redisBackend() makes one");
  }
  const changes = typeof members === "function";
  const now = (): Members => Members.of(self, changes ? members() : members, compare);
  const fixed = changes ? undefined : now();
  return {
    name,
    settings: { self, ...checkTiming(options) },
    members: () => fixed ?? now(),
    changes,
    epochs,
    epochTtlMs: ttl("epochTtlMs", options.epochTtlMs ?? DEFAULT_EPOCH_TTL_MS, MIN_LOCK_TTL_MS),
  };
}
