/**
 * Where an election begins.
 */
import { type Backend, invalidArgument } from "@quorate/core";
import { ElectionOfBackend } from "./election-of-backend.ts";
import type { Election } from "./election.ts";
import type { ElectionOptions } from "./options.ts";

/**
 * One candidate for the leadership under `name`. Beneath it is the lock `election/<name>`, with its
 * events.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds. TOO_LARGE the value is.
 *
 * @example
 * import { createElection } from "@quorate/election";
 * import { memoryBackend } from "@quorate/memory";
 * const election = createElection(memoryBackend(), "reconciler", { candidate: "pod-7" });
 * const done = await election.lead(async (leadership) => leadership.check() > 0);
 */
export function createElection(
  backend: Backend,
  name: string,
  options: ElectionOptions = {},
): Election {
  if (typeof backend?.leases?.acquire !== "function") {
    throw invalidArgument("backend", backend, "a backend, as redisBackend() makes one");
  }
  return new ElectionOfBackend(backend, name, options);
}
