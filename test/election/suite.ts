/**
 * Candidates in processes of their own, on a real server: resigned, handed over, stopped, killed.
 *
 * Times are bounds on a busy machine, not measurements: what is promised, plus what two shared
 * cores may cost when a dozen other programs run on them. The figures are in docs/election.md.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, type ServerProcess } from "../../scripts/servers/index.mjs";
import { Candidates, nowMs } from "./candidates.ts";

const TTL_MS = 1_500;
const NAMES = ["a", "b", "c"];
/** Measured: below 20 ms. */
const GRACEFUL_MS = 100;
const CRASH_MS = TTL_MS + 100;
const SLACK_MS = 250;
const ROUNDS = 7;

/** The candidates, once they are started. */
interface Fleet {
  readonly candidates: Candidates;
}

/** The claims on `engine`. */
export function candidatesOn(engine: "redis" | "nats", start: () => Promise<ServerProcess>): void {
  describe.skipIf(needs(engine).skip)(`candidates on ${engine}`, { timeout: 20_000 }, () => {
    let server: ServerProcess;
    const fleet = {} as { candidates: Candidates };

    beforeAll(async () => {
      server = await start();
      const candidates = (fleet.candidates = new Candidates({
        engine,
        url: server.url,
        namespace: "e",
        ttlMs: TTL_MS,
      }));
      for (const name of NAMES) candidates.start(name);
      for (const from of NAMES) await candidates.hears("observed", { from, what: "elected" });
    }, 30_000);

    afterAll(async () => {
      await fleet.candidates.endAll();
      await server.stop();
    });

    handOver(fleet);
    areStopped(fleet);
    observe(fleet);
  });
}

/** The leader goes of its own will. */
function handOver(fleet: Fleet): void {
  it("hand over at once when the leader resigns", async () => {
    const gaps: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const { from, term } = fleet.candidates.leader;
      const mark = fleet.candidates.told.length;
      fleet.candidates.order(from, { kind: "resign" });
      const ended = await fleet.candidates.hears("ended", { from, term });
      const began = await fleet.candidates.hears("began", {}, mark);
      expect(ended["reason"]).toBe("resigned");
      gaps.push(Number(began["atMs"]) - Number(ended["atMs"]));
    }
    const said = gaps.map((ms) => ms.toFixed(1)).join(" ");
    const [median = Infinity] = gaps.toSorted((x, y) => x - y).slice(ROUNDS >> 1);
    expect(median, said).toBeLessThanOrEqual(GRACEFUL_MS);
    // Nobody has waited for an expiry: half of the lease, and more, was left each time.
    expect(Math.max(...gaps), said).toBeLessThanOrEqual(TTL_MS / 2);
  });

  it("hand over to the one that is named", async () => {
    const { from, term } = fleet.candidates.leader;
    const to = fleet.candidates.followers.at(-1) ?? "";
    const mark = fleet.candidates.told.length;
    fleet.candidates.order(from, { kind: "transfer", to });
    await fleet.candidates.hears("began", { from: to }, mark);
    expect(await fleet.candidates.hears("transferred", { from }, mark)).toMatchObject({
      leader: { candidate: to },
    });
    expect(await fleet.candidates.hears("ended", { term })).toMatchObject({
      reason: "transferred",
    });
  });
}

/** The leader is stopped, killed, told to end. */
function areStopped(fleet: Fleet): void {
  it("learn at their first line that they were stopped for too long", async () => {
    const { from } = fleet.candidates.leader;
    const mark = fleet.candidates.told.length;
    fleet.candidates.order(from, { kind: "block", forMs: 300 });
    await fleet.candidates.hears("blocked", { from }, mark);
    fleet.candidates.signal(from, "SIGSTOP");
    const began = await fleet.candidates.hears("began", {}, mark);
    // As the new leader would before its first read.
    fleet.candidates.order(began.from, { kind: "block", forMs: 0 });
    await fleet.candidates.hears("woken", { from: began.from }, mark);
    fleet.candidates.signal(from, "SIGCONT");
    expect(await fleet.candidates.hears("woken", { from }, mark)).toEqual({
      ...{ kind: "woken", from },
      abortedAtOnce: false, // No timer has run yet: the signal alone would have been believed.
      check: "LEADERSHIP_LOST",
      abortedThen: true,
      isLeader: false,
      write: "LEADERSHIP_LOST",
      admit: "STALE_TOKEN",
    });
  });

  it("take over within the TTL and 100 ms when the leader is killed", async () => {
    const { from } = fleet.candidates.leader;
    const mark = fleet.candidates.told.length;
    const killedMs = nowMs();
    await fleet.candidates.end(from, "SIGKILL");
    const began = await fleet.candidates.hears("began", {}, mark);
    const tookMs = Number(began["atMs"]) - killedMs;
    expect(tookMs).toBeLessThanOrEqual(CRASH_MS + SLACK_MS);
  });

  it("give the leadership back on SIGTERM, and then nothing keeps them alive", async () => {
    const { from } = fleet.candidates.leader;
    const mark = fleet.candidates.told.length;
    const startedMs = nowMs();
    const exit = fleet.candidates.end(from, "SIGTERM");
    const began = await fleet.candidates.hears("began", {}, mark);
    expect(Number(began["atMs"]) - startedMs).toBeLessThanOrEqual(TTL_MS / 2);
    expect(await fleet.candidates.hears("closed", { from })).toMatchObject({ unhandled: [] });
    expect(await exit).toBe(0);
  });
}

/** What all of them have seen. */
function observe(fleet: Fleet): void {
  it("have all observed the terms in order, none twice, each of its leader", async () => {
    const { from: last, term } = fleet.candidates.leader;
    for (const from of [last, ...fleet.candidates.followers]) {
      await fleet.candidates.hears("observed", { from, what: "elected", term });
    }
    const began = fleet.candidates.told.filter(({ kind }) => kind === "began");
    const leaders = new Map(began.map(({ term: of, from }) => [of, from]));
    expect(leaders.size).toBe(began.length);
    for (const name of NAMES) {
      const seen = fleet.candidates.told.filter(
        ({ kind, from, what }) => kind === "observed" && from === name && what === "elected",
      );
      const terms = seen.map((one) => Number(one["term"]));
      expect(terms, name).toEqual([...new Set(terms)].toSorted((x, y) => x - y));
      for (const one of seen) expect(one["candidate"]).toBe(leaders.get(one["term"] as number));
    }
  });
}
