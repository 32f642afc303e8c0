/**
 * Three pods, one job: each tick runs once, also the one whose pod is killed in the middle.
 *
 * All pods schedule the same job, as replicas of a service do. Each tick is led by one of them. The
 * pod that leads a tick is killed in the middle of it: within its lease another pod leads the same
 * tick, with the same key and a greater fencing token, while later ticks go on elsewhere.
 *
 * The report is mailed at the end of a run, so the killed run has mailed nothing. Where a run may
 * die between its effect and its end, give `run.key` to whoever has the effect.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type Quorate } from "quorate";
import { deferred } from "quorate/core";
import type { Player, Stage } from "../shared/example.ts";

const EVERY_MS = 500;
const TICKS_AFTERWARDS = 4;

/** What a pod tells of its runs. */
interface Told {
  readonly kind: "began" | "mailed";
  readonly key: string;
  readonly tickMs: number;
  readonly pod: string;
  readonly attempt: number;
  readonly token: number;
}

/** A replica of the service. */
export async function pod(self: Player<Told>): Promise<Quorate> {
  const q = await connect(self.engine, { ...self.options, cron: { leaseMs: 1_000 } });
  q.cron.schedule(
    "report",
    { everyMs: EVERY_MS },
    async ({ key, tick, attempt, fencingToken: token }) => {
      const run = { key, tickMs: tick.getTime(), pod: self.name, attempt, token };
      await self.tell({ kind: "began", ...run });
      await sleep(150); // Reports take a moment.
      await self.tell({ kind: "mailed", ...run });
    },
    { overlap: "allow" }, // A tick that is being recovered does not hold up the next.
  );
  return q;
}

/** Tells it. */
export async function play({ engine, options, start, say, check }: Stage): Promise<void> {
  const mailed: Told[] = [];
  const led = new Set<string>(); // Ticks that somebody has begun.
  const doomed = deferred<Told>();
  const takenOver = deferred<Told & { readonly atMs: number }>();
  const enough = deferred<void>();
  let victim: Told | undefined;

  const hear = (told: Told): void => {
    if (told.kind === "began") {
      led.add(told.key);
      if (victim === undefined && led.size > 2) doomed.resolve((victim = told));
      const isAgain = told.key === victim?.key && told.attempt > 1;
      if (isAgain) takenOver.resolve({ ...told, atMs: performance.now() });
      return;
    }
    mailed.push(told);
    if (mailed.filter(({ key }) => key > (victim?.key ?? "~")).length >= TICKS_AFTERWARDS) {
      enough.resolve();
    }
  };

  const names = ["pod-1", "pod-2", "pod-3"];
  const pods = await Promise.all(names.map((name) => start(pod, name, { hear })));
  say(`${names.join(", ")} schedule "report" every ${EVERY_MS} ms`);

  const { pod: leader, key, token } = await doomed.promise;
  const killedMs = performance.now();
  await pods.find(({ name }) => name === leader)?.kill();
  say(`${leader} is killed in the middle of ${key}, which it leads with token ${token}`);

  const heir = await takenOver.promise;
  const handOverMs = Math.round(heir.atMs - killedMs);
  say(`${heir.pod} leads the same tick with token ${heir.token}: hand-over ${handOverMs} ms`);
  await enough.promise;
  await Promise.all(pods.filter(({ name }) => name !== leader).map((one) => one.close()));

  const ticks = mailed.map(({ tickMs }) => tickMs).toSorted((a, b) => a - b);
  const gaps = ticks.slice(1).map((tickMs, index) => tickMs - (ticks[index] ?? 0));
  const authors = [...new Set(mailed.map((told) => told.pod))].join(" and ");
  say(`${ticks.length} reports were mailed, by ${authors}`);
  check("no tick was doubled", new Set(ticks).size === ticks.length);
  check(
    "no tick was lost",
    gaps.every((gapMs) => gapMs <= EVERY_MS),
  );
  check(`${leader} mailed nothing of ${key}, ${heir.pod} did`, isBy(mailed, key, heir.pod));
  check("the new leader's token is greater", heir.token > token);

  await using q = await connect(engine, options);
  const history = await q.cron.history("report");
  const fates = history.filter((run) => run.key === key).map((run) => `${run.outcome} ${run.by}`);
  const isTold = fates.join() === `done ${heir.pod},crashed ${leader}`;
  check(`the history says so: it crashed at ${leader}, and ${heir.pod} has done it`, isTold);
}

function isBy(mailed: readonly Told[], tick: string, name: string): boolean {
  const [only, ...others] = mailed.filter(({ key }) => key === tick);
  return only?.pod === name && others.length === 0;
}
