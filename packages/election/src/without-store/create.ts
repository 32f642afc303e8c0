/**
 * How elections without a store are made: two algorithms, one shell, the same options.
 */
import { bully } from "./bully-machine.ts";
import type { HintElection, HintElectionOptions } from "./hint-election.ts";
import { HintMember } from "./hint-member.ts";
import { checkHintElection, type HintBackend } from "./hint-options.ts";
import { ring } from "./ring-machine.ts";

/**
 * Bully: the greatest member that answers leads. Finds a new leader in one or two answers' time;
 * costs up to about n² messages after a crash, and n a heartbeat.
 *
 * Takes part after `start()`. `name` and the ids go into subjects of the bus.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds, or an id is there twice.
 * @throws TOO_LARGE more than 256 members, or too long a name.
 *
 * @example
 * import { createBullyElection } from "@quorate/election";
 * import { memoryBackend } from "@quorate/memory";
 * const members = ["ada", "bob"];
 * const backend = memoryBackend();
 * const election = createBullyElection(backend, "cache-warmer", { self: "bob", members });
 * await election.start();
 * console.log(election.leader); // => bob
 * await election.close();
 */
export function createBullyElection(
  backend: HintBackend,
  name: string,
  options: HintElectionOptions,
): HintElection {
  return new HintMember(bully, backend, checkHintElection(backend, name, options));
}

/**
 * Ring: candidacies go one way round the list, and the greatest comes home. Every member talks to
 * its successor alone; costs n·H(n) messages on average, as many acknowledgements, and time for
 * the way round.
 *
 * Takes part after `start()`. `name` and the ids go into subjects of the bus.
 *
 * @throws INVALID_ARGUMENT an option is unknown or out of bounds, or an id is there twice.
 * @throws TOO_LARGE more than 256 members, or too long a name.
 *
 * @example
 * import { createRingElection } from "@quorate/election";
 * import { memoryBackend } from "@quorate/memory";
 * const election = createRingElection(memoryBackend(), "log", { self: "ada", members: ["ada"] });
 * await election.start();
 * console.log(election.leader); // => ada
 * await election.close();
 */
export function createRingElection(
  backend: HintBackend,
  name: string,
  options: HintElectionOptions,
): HintElection {
  return new HintMember(ring, backend, checkHintElection(backend, name, options));
}
