/**
 * All commands, in the order of the help.
 */
import type { Command } from "./command.ts";
import { CRON_COMMANDS } from "./commands/cron.ts";
import { doctor } from "./commands/doctor.ts";
import { IDEMPOTENCY_COMMANDS } from "./commands/idem.ts";
import { LEADER_COMMANDS } from "./commands/leader.ts";
import { LOCK_COMMANDS } from "./commands/lock.ts";
import { SAGA_COMMANDS } from "./commands/saga.ts";

/** The table that parser, help and tests read. */
export const COMMANDS: readonly Command[] = [
  doctor,
  ...LOCK_COMMANDS,
  ...LEADER_COMMANDS,
  ...CRON_COMMANDS,
  ...IDEMPOTENCY_COMMANDS,
  ...SAGA_COMMANDS,
];
