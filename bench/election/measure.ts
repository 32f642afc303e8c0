/**
 * What an election is worth when the leader goes: of its own will, by a crash, by standing still,
 * by one failed renewal; and what it costs while nothing happens.
 */
import { sleep } from "../harness/clock.ts";
import { countCommands, total } from "../harness/command-counter.ts";
import type { Claim, Section } from "../harness/report.ts";
import { interleave } from "../harness/rounds.ts";
import { median, quantile } from "../harness/statistics.ts";
import { figure } from "../harness/table.ts";
import { Candidates } from "./candidates.ts";
import { ELECTION_IDS, loadContender } from "./catalogue.ts";
import type { ElectionContender, ElectionId } from "./contender.ts";
import { handOversInMemory } from "./memory.ts";

const TTL_MS = 2_000;
const GRACEFUL_BAR_MS = 20;
const CRASH_BAR_MS = TTL_MS + 100;
/** Long enough for the lease to end and another to be elected by every contender's poll. */
const STILL_MS = TTL_MS + 1_500;
const OURS = "quorate";

/** What was seen of one contender. */
interface Seen {
  readonly contender: ElectionContender;
  readonly graceful: readonly number[];
  readonly crash: readonly number[];
  readonly resumed: { readonly first: boolean; readonly later: boolean };
  /** Believers after a failed renewal; `undefined`: it cannot be done to it. */
  readonly believers: number | undefined;
  /** Commands per second of three candidates; `undefined`: the server does not count. */
  readonly idle: number | undefined;
}

/** A contender and its processes. */
interface Team {
  readonly contender: ElectionContender;
  readonly candidates: Candidates;
}

/** The one section of this benchmark. */
export async function measureElection({ quick }: { readonly quick: boolean }): Promise<Section> {
  const rounds = roundsOf(quick);
  const teams: Team[] = [];
  const seen = await (async () => {
    for (const id of ELECTION_IDS) teams.push(await assemble(id));
    return observe(teams, quick);
  })().finally(() => {
    for (const { candidates } of teams) candidates.close();
  });
  const memory = await handOversInMemory(quick ? 20 : 200, TTL_MS);
  const rows = seen.map(rowOf);
  const inMemory = `${figure(median(memory))} / ${figure(quantile(memory, 1))}`;
  rows.splice(2, 0, ["quorate in memory, one process", inMemory, "–", "–", "–", "–"]);
  return {
    title: "Hand-over of a leadership",
    method:
      `Three candidates, each a process; TTL ${TTL_MS} ms; ${rounds.graceful} resignations and ` +
      `${rounds.crash} SIGKILLs of the leader each. Hand-over: from the call, or from before the ` +
      "signal, until another candidate is told that it leads. Stood still: SIGSTOP for " +
      `${STILL_MS} ms, so that another leads; whether the old leader, at its first line after ` +
      "SIGCONT and 0.5 s later, believes by what it knows itself. Failed renewal: one command of " +
      "the leader is answered by READONLY; how many believe one TTL, one poll and 1 s later. " +
      "Commands: of all three while one leads, by MONITOR. Resignations one library at a time, " +
      "in interleaved rounds; the rest, which is mostly waiting, all libraries at once, in step.",
    tables: [
      {
        head: [
          "library",
          "resigns, ms p50 / max",
          "crashes, ms p50 / max",
          "stood still: believes at first / later",
          "leaders after a failed renewal",
          "commands/s idle",
        ],
        rows,
      },
    ],
    claims: seen.flatMap((one) => (one.contender.id === OURS ? claimsOf(one) : [])),
  };
}

function roundsOf(quick: boolean): { readonly graceful: number; readonly crash: number } {
  return quick ? { graceful: 3, crash: 1 } : { graceful: 20, crash: 10 };
}

async function assemble(id: ElectionId): Promise<Team> {
  const contender = await loadContender(id);
  const name = `bench-${Date.now().toString(36)}`;
  const url = serverUrl(contender.engine);
  return { contender, candidates: await Candidates.start({ id, url, name, ttlMs: TTL_MS }) };
}

async function observe(teams: readonly Team[], quick: boolean): Promise<Seen[]> {
  const rounds = roundsOf(quick);
  const graceful = await interleave(teams, rounds.graceful, (team) => team.candidates.handOver());
  const idle = await commandsPerSecond(serverUrl("redis"), quick ? 2 : 5);
  const crash = new Map<Team, number[]>(teams.map((team) => [team, []]));
  for (let round = 0; round < rounds.crash; round++) {
    // In step: nobody starts a process while another's lease runs out.
    await inStep(teams, async (team) => {
      crash.get(team)?.push(await team.candidates.crash());
    });
    await inStep(teams, ({ candidates }) => candidates.refill());
  }
  const resumed = await inStep(teams, ({ candidates }) => candidates.standStill(STILL_MS));
  const believers = await inStep(teams, async ({ contender, candidates }) =>
    contender.engine === "redis" ? candidates.failedRenewal(TTL_MS + 2_000) : undefined,
  );
  return teams.map((team, index) => ({
    contender: team.contender,
    graceful: graceful.get(team) ?? [],
    crash: crash.get(team) ?? [],
    resumed: resumed[index] ?? { first: true, later: true },
    believers: believers[index],
    idle: team.contender.engine === "redis" ? idle(team.contender.id) : undefined,
  }));
}

function inStep<T>(teams: readonly Team[], once: (team: Team) => Promise<T>): Promise<T[]> {
  return Promise.all(teams.map(once));
}

async function commandsPerSecond(url: string, seconds: number): Promise<(id: string) => number> {
  const counter = await countCommands(url);
  await sleep(seconds * 1_000);
  const commands = await counter.stop();
  return (id) => total(commands, id) / seconds;
}

function serverUrl(engine: "redis" | "nats"): string {
  const url = process.env[engine === "redis" ? "REDIS_URL" : "NATS_URL"];
  if (url === undefined) throw new Error("set REDIS_URL and NATS_URL: npm run bench -- election");
  return url;
}

function rowOf({ contender, graceful, crash, resumed, believers, idle }: Seen): string[] {
  const times = (values: readonly number[]): string =>
    `${figure(median(values))} / ${figure(quantile(values, 1))}`;
  const yes = (believes: boolean): string => (believes ? "yes" : "no");
  return [
    contender.title,
    times(graceful),
    times(crash),
    `${yes(resumed.first)} / ${yes(resumed.later)}`,
    believers === undefined ? "–" : String(believers),
    idle === undefined ? "–" : figure(idle),
  ];
}

function claimsOf({ graceful, crash, resumed, believers }: Seen): Claim[] {
  const gracefulMs = median(graceful);
  const crashMs = quantile(crash, 1);
  return [
    {
      name: "a leader that resigns is followed",
      bar: `p50 ≤ ${GRACEFUL_BAR_MS} ms`,
      measured: `${figure(gracefulMs)} ms`,
      held: gracefulMs <= GRACEFUL_BAR_MS,
    },
    {
      name: "a leader that crashes is followed, the longest",
      bar: `≤ TTL + 100 ms = ${CRASH_BAR_MS} ms`,
      measured: `${figure(crashMs)} ms`,
      held: crashMs <= CRASH_BAR_MS,
    },
    {
      name: "a leader that stood still does not believe at its first line",
      bar: "no",
      measured: resumed.first ? "yes" : "no",
      held: !resumed.first,
    },
    {
      name: "leaders after one failed renewal",
      bar: "1",
      measured: String(believers),
      held: believers === 1,
    },
  ];
}
