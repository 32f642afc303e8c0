/** Claim 6: what a thousand held locks cost while nothing happens. */
import { OURS } from "../contenders/catalogue.ts";
import type { ContenderId, Held } from "../contenders/contender.ts";
import { sleep } from "../harness/clock.ts";
import { breakdown, countCommands, total } from "../harness/command-counter.ts";
import type { Section } from "../harness/report.ts";
import { figure } from "../harness/table.ts";
import type { Environment } from "./environment.ts";

const LEASES = 1_000;
const COMMANDS_BAR = 10;
/** Ours renews at a third of the TTL. */
const PERIODS_PER_TTL = 3;

/** Holds 1000 locks of each library that renews, all at once, and counts for one TTL. */
export async function measureUpkeep(environment: Environment): Promise<Section> {
  const { url, entrants, quick } = environment;
  const ttlMs = quick ? 3_000 : 6_000;
  const holders = entrants.filter(({ session }) => session.hold !== undefined);
  const held: { readonly id: ContenderId; readonly lock: Held }[] = [];
  for (const { contender, session } of holders) {
    const base = environment.name("upkeep");
    const names = Array.from({ length: LEASES }, (_, index) => `${base}/${index}`);
    const hold = async (name: string): Promise<void> => {
      const lock = await session.hold?.(name, { ttlMs });
      if (lock !== undefined) held.push({ id: contender.id, lock });
    };
    await Promise.all(names.map(hold));
  }
  // The first renewals tell how the leases were acquired and load scripts; they are not counted.
  await sleep(ttlMs);
  const counter = await countCommands(url);
  await sleep(ttlMs);
  const commands = await counter.stop();
  // A lease that was lost costs nothing to renew: all of ours must still be there.
  const ends = await Promise.all(
    held.map(async ({ id, lock }) => (await lock.release()) === "released" && id === OURS),
  );
  const kept = ends.filter(Boolean).length;
  const perPeriod = total(commands, OURS) / PERIODS_PER_TTL;
  return {
    title: `${LEASES} held locks, renewed`,
    method:
      `Each library holds ${LEASES} locks of ${ttlMs} ms by its own renewal, all libraries at ` +
      "once, told apart by connection. Commands of one TTL, by MONITOR. redlock 4 has no renewal.",
    tables: [
      {
        head: ["library", "commands per TTL", "sent"],
        rows: holders.map(({ contender: { id, title } }) => [
          title,
          figure(total(commands, id)),
          breakdown(commands, id),
        ]),
      },
    ],
    claims: [
      {
        name: `commands per renewal period (a third of the TTL) for ${LEASES} leases`,
        bar: `≤ ${COMMANDS_BAR}`,
        measured: `${figure(perPeriod)}, and ${kept} leases were still held`,
        held: perPeriod <= COMMANDS_BAR && kept === LEASES,
      },
    ],
  };
}
