/** Who is measured. Each process loads its own contender only. */
import type { ElectionContender, ElectionId } from "./contender.ts";

/** In the order of the tables, ours first. */
export const ELECTION_IDS: readonly ElectionId[] = [
  "quorate",
  "quorate-nats",
  "safe-redis-leader",
  "polling-1000",
  "polling-100",
];

/** The contender called `id`. */
export async function loadContender(id: ElectionId): Promise<ElectionContender> {
  switch (id) {
    case "quorate":
      return (await import("./quorate.ts")).quorate;
    case "quorate-nats":
      return (await import("./quorate.ts")).quorateNats;
    case "safe-redis-leader":
      return (await import("./safe-redis-leader.ts")).safeRedisLeader;
    case "polling-1000":
      return (await import("./polling.ts")).polling(id, 1_000);
    case "polling-100":
      return (await import("./polling.ts")).polling(id, 100);
  }
}
