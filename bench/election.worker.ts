/**
 * One candidate in a process of its own: `election.worker.ts <contender> <url> <name> <ttlMs>`. It
 * is started by `election/candidates.ts`, which may also stop, continue and kill it.
 *
 * A timer that comes much too late tells that the process stood still; the first line after that is
 * where belief is asked for, and again half a second later.
 */
import { loadContender } from "./election/catalogue.ts";
import type { ElectionId } from "./election/contender.ts";
import type { CandidateNews, CandidateOrder } from "./election/candidates.ts";
import { nowMs, sleep } from "./harness/clock.ts";

const LOOK_MS = 10;
const STOOD_STILL_MS = 1_000;
const LATER_MS = 500;

const [id, url, name, ttlMs] = process.argv.slice(2);
if (id === undefined || url === undefined || name === undefined || ttlMs === undefined) {
  throw new Error("usage: election.worker.ts <contender> <url> <name> <ttlMs>");
}

// At once: the parent may go while this one is still on its way.
process.on("disconnect", () => process.exit());

const contender = await loadContender(id as ElectionId);
const candidate = await contender.join({
  url,
  name,
  ttlMs: Number(ttlMs),
  onElected: () => tell({ kind: "elected", atMs: nowMs() }),
});

let lookedMs = nowMs();
setInterval(() => {
  const sinceMs = nowMs() - lookedMs;
  lookedMs = nowMs();
  if (sinceMs >= STOOD_STILL_MS) void resumed();
}, LOOK_MS);

process.on("message", (order: CandidateOrder) => void carryOut(order));
tell({ kind: "ready" });

async function resumed(): Promise<void> {
  const first = candidate.leads();
  await sleep(LATER_MS);
  tell({ kind: "resumed", first, later: candidate.leads() });
}

async function carryOut(order: CandidateOrder): Promise<void> {
  switch (order) {
    case "resign": {
      const calledMs = nowMs();
      await candidate.resign();
      return tell({ kind: "resigned", calledMs });
    }
    case "stand":
      return candidate.stand();
    case "fail-next-command":
      return candidate.failNextCommand?.();
    case "ask":
      return tell({ kind: "belief", leads: candidate.leads() });
  }
}

function tell(news: CandidateNews): void {
  if (process.connected) process.send?.(news);
}
