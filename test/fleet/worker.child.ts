/**
 * One process of the fleet: runs its share of the ticks, campaigns, and watches who leads. Its wall
 * clock is wrong. It is killed, stopped and cut off from outside, and knows nothing of that.
 */
import { openSync, writeSync } from "node:fs";

import { type Backend, isQuorateError, type Runtime, sleep, systemRuntime } from "@quorate/core";
import { seededRandom } from "@quorate/core/testing";
import { createCron, type RunContext } from "@quorate/cron";
import { createElection, type Leadership } from "@quorate/election";
import { createGuard, type Guard } from "@quorate/lock";
import { natsBackend } from "@quorate/nats";
import { redisBackend } from "@quorate/redis";
import { Redis } from "ioredis";

import { connectTo } from "../support/nats-client.ts";
import { readLedger } from "./ledger.ts";
import {
  ELECTION,
  type Job,
  JOBS,
  LEASE_MS,
  type Mission,
  MISSION,
  type Noted,
} from "./protocol.ts";

const REQUEST_MS = 1_000;
const LONGEST_RUN_MS = 60;
const BELIEF_MS = 40;

const mission = JSON.parse(process.env[MISSION] ?? "") as Mission;
const random = seededRandom(mission.seed);
const file = openSync(mission.file, "a");
/** The machine's monotonic clock, which all its processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
/** Returns when the kernel has the line, so that a SIGKILL cannot take it back. */
const note = (noted: Noted): void => void writeSync(file, `${JSON.stringify(noted)}\n`);

const runtime: Runtime = {
  ...systemRuntime,
  time: { ...systemRuntime.time, wallMs: () => systemRuntime.time.wallMs() + mission.skewMs },
};

async function connect(): Promise<Backend> {
  const { namespace, route } = mission;
  const options = { namespace, runtime, requestTimeoutMs: REQUEST_MS };
  if (route.engine === "nats") {
    const connection = await connectTo("nats", [...route.urls], { ignoreClusterUpdates: true });
    return natsBackend(connection, options);
  }
  if (route.engine !== "redis") throw new Error(`no fleet on ${route.engine}`);
  const client = new Redis(route.url, { retryStrategy: () => 50 });
  client.on("error", () => {}); // It is going to be cut off.
  return redisBackend(client, options);
}

/** One run: a moment of work, and for the job that is repeated an effect on a guarded record. */
async function work(job: Job, run: RunContext, guard: Guard): Promise<void> {
  const { key, attempt, fencingToken: token } = run;
  const tick = run.tick.getTime();
  note({ kind: "began", job, tick, key, attempt, token, atMs: now() });
  await sleep(runtime, random.next() * LONGEST_RUN_MS, { signal: run.signal });
  if (job === "retries") await enter(tick, run, guard);
  run.check();
  note({ kind: "ended", job, tick, key, attempt, token, atMs: now() });
}

/** Writes the tick down, once, however often it is run. */
async function enter(tick: number, run: RunContext, guard: Guard): Promise<void> {
  try {
    const ledger = await guard.open(run, "ledger");
    const ticks = readLedger(await ledger.read());
    if (ticks.includes(tick)) return;
    await ledger.write(JSON.stringify([...ticks, tick]));
    note({ kind: "wrote", tick, token: run.fencingToken, atMs: now() });
  } catch (error) {
    if (isQuorateError(error, "STALE_TOKEN")) {
      note({ kind: "stale", tick, token: run.fencingToken, atMs: now() });
    }
    throw error;
  }
}

/** Says, again and again, that it leads: at some instant between two readings of the clock. */
async function lead({ term, signal, check }: Pick<Leadership, "term" | "signal" | "check">) {
  while (!signal.aborted) {
    const fromMs = now();
    check();
    note({ kind: "leads", term, fromMs, toMs: now() });
    await sleep(runtime, BELIEF_MS);
  }
}

async function observe(election: ReturnType<typeof createElection>): Promise<void> {
  for await (const { kind, term, leader } of election.observe()) {
    if (kind === "elected") note({ kind: "sees", term, leader: leader.candidate, atMs: now() });
  }
}

process.on("unhandledRejection", (reason) => {
  note({ kind: "broken", message: `unhandled rejection: ${String(reason)}` });
});
// A worker whose test is gone has nobody to work for.
process.on("disconnect", () => process.exit(0));

const backend = await connect();
await backend.ready();
const guard = createGuard(backend.kv);
const cron = createCron(backend, { name: mission.name, leaseMs: LEASE_MS, historyLimit: 500 });
for (const job of JOBS) {
  cron.schedule(job, "* * * * * *", (run) => work(job, run, guard), {
    onCrash: job === "skips" ? "skip" : "retry",
    overlap: job === "skips" ? "allow" : "queue",
    queueLimit: 10,
  });
}
const election = createElection(backend, ELECTION, { candidate: mission.name, ttlMs: LEASE_MS });
const observing = observe(election);
const leading = election.lead((leadership) =>
  lead({
    term: leadership.term,
    signal: leadership.signal,
    check: () => leadership.check(),
  }).catch((error: unknown) => {
    if (!isQuorateError(error, "LEADERSHIP_LOST")) throw error;
  }),
);
const broken = (error: unknown): void => note({ kind: "broken", message: String(error) });
leading.catch(broken);
observing.catch(broken);

process.send?.("ready");
await new Promise((resolve) => process.once("message", resolve));
await cron.close();
await election.close();
await backend.close({ graceMs: 0 });
process.exit(0);
