/**
 * All commands, in the order of the help.
 */
import type { Command } from "./command.ts";
import { BREAKER_COMMANDS } from "./commands/breaker.ts";
import { conformance } from "./commands/conformance.ts";
import { CRON_COMMANDS } from "./commands/cron.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { DISCOVERY_COMMANDS } from "./commands/discovery.ts";
import { IDEMPOTENCY_COMMANDS } from "./commands/idem.ts";
import { init } from "./commands/init.ts";
import { LEADER_COMMANDS } from "./commands/leader.ts";
import { LOCK_COMMANDS } from "./commands/lock.ts";
import { MEMBER_COMMANDS } from "./commands/members.ts";
import { RING_COMMANDS } from "./commands/ring.ts";
import { SAGA_COMMANDS } from "./commands/saga.ts";
import { SAGA_VERBS } from "./commands/saga-verbs.ts";
import { top } from "./commands/top.ts";

/** The table that parser, help and tests read. */
export const COMMANDS: readonly Command[] = [
  init,
  doctor,
  ...LOCK_COMMANDS,
  ...LEADER_COMMANDS,
  ...CRON_COMMANDS,
  ...IDEMPOTENCY_COMMANDS,
  ...SAGA_COMMANDS,
  ...SAGA_VERBS,
  ...MEMBER_COMMANDS,
  ...DISCOVERY_COMMANDS,
  ...BREAKER_COMMANDS,
  ...RING_COMMANDS,
  top,
  demo,
  conformance,
];
