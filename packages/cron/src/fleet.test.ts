/**
 * Five processes whose clocks differ by up to four seconds, and a job of every second. The long
 * version, with every fault there is: `npm run simulate -- cron`.
 */
import { checkTicks } from "@quorate/simulator";
import { describe, expect, it } from "vitest";
import { seededRandom } from "@quorate/core/testing";
import type { PastRun } from "./cron.ts";
import type { JobOptions } from "./options.ts";
import { type TestProcess, World } from "./world.fixture.ts";

const SKEWS_MS = [0, -2_000, 2_000, -700, 1_300];

/** What became of every tick, as far as histories told; and every run that began. */
class Book {
  readonly began: { key: string; tickMs: number; attempt: number; token: number }[] = [];
  readonly #past = new Map<string, PastRun>();

  note(history: readonly PastRun[]): void {
    for (const one of history) this.#past.set(`${one.key} ${one.attempt} ${one.outcome}`, one);
  }

  ticksOf(...outcomes: readonly string[]): number[] {
    const ticks: number[] = [];
    for (const { outcome, tick, through } of this.#past.values()) {
      if (!outcomes.includes(outcome)) continue;
      const lastMs = (through ?? tick).getTime();
      for (let ms = tick.getTime(); ms <= lastMs; ms += 1_000) ticks.push(ms);
    }
    return ticks;
  }
}

class Fleet {
  readonly world: World;
  readonly book = new Book();
  readonly members: (TestProcess | undefined)[];
  readonly options: JobOptions;
  readonly #workMs: number;

  constructor(seed: number, options: JobOptions, workMs: number) {
    this.world = new World({ seed });
    this.options = { historyLimit: 100, ...options };
    this.#workMs = workMs;
    this.members = SKEWS_MS.map((skewMs) => this.#member(skewMs));
  }

  #member(skewMs: number): TestProcess {
    const member = this.world.process({ skewMs, leaseMs: 2_000 });
    const handler = async (run: {
      key: string;
      tick: Date;
      attempt: number;
      fencingToken: number;
    }) => {
      const { key, tick, attempt, fencingToken: token } = run;
      this.book.began.push({ key, tickMs: tick.getTime(), attempt, token });
      if (this.#workMs > 0) await member.work(this.#workMs);
    };
    member.cron.schedule("tick", { everyMs: 1_000 }, handler, this.options);
    return member;
  }

  /** `seconds` pass; in between processes are killed and started anew, or paused, by chance. */
  async live(seconds: number, chance: number, random: () => number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.world.runtime.advance(1_000);
      if (second % 25 === 0) await this.read();
      if (random() >= chance) continue;
      const index = Math.floor(random() * SKEWS_MS.length);
      const member = this.members[index];
      await this.world.runtime.advance(random() * 300);
      if (random() < 0.5) {
        member?.kill();
        this.members[index] = this.#member(SKEWS_MS[index] ?? 0);
      } else {
        member?.pause();
        void this.world.work(random() * 8_000).then(() => member?.resume());
      }
    }
  }

  async read(): Promise<void> {
    const reader = this.world.process();
    this.book.note(await this.world.outcome(reader.cron.history("tick")));
    await this.world.outcome(reader.cron.close());
  }

  async judgedMs(): Promise<number> {
    const reader = this.world.process();
    const listing = reader.cron.list();
    for await (const job of listing) return job.judgedUntil.getTime();
    return expect.unreachable("there is no job");
  }
}

const scheduledBy = (fromMs: number, toMs: number): number[] =>
  Array.from({ length: (toMs - fromMs) / 1_000 }, (_, index) => fromMs + (index + 1) * 1_000);

describe(
  "five processes with clocks two seconds off, a job of every second",
  { timeout: 60_000 },
  () => {
    it("100 ticks of a job that takes no time: each runs once, none is missed", async () => {
      const fleet = new Fleet(1, {}, 0);
      const fromMs = fleet.world.runtime.time.wallMs();
      await fleet.live(100, 0, () => 0);
      await fleet.read();
      const ran = fleet.book.began.map(({ tickMs }) => tickMs);
      const report = checkTicks({ scheduled: scheduledBy(fromMs, await fleet.judgedMs()), ran });
      expect(report.violations).toEqual([]);
      expect(ran.length).toBeGreaterThan(95);
      expect(fleet.book.ticksOf("missed", "skipped-overlap")).toEqual([]);
      // In order, too: nothing ever goes back.
      expect(ran).toEqual(ran.toSorted((left, right) => left - right));
    });

    it.each([
      [250, 1],
      [120, 2],
    ])(
      "%i ticks with kills and pauses: each runs once or is declared (seed %i)",
      async (ticks, seed) => {
        const { next } = seededRandom(seed);
        const options: JobOptions = seed === 2 ? { onCrash: "skip" } : { overlap: "queue" };
        const fleet = new Fleet(seed, options, seed === 2 ? 700 : 200);
        const fromMs = fleet.world.runtime.time.wallMs();
        await fleet.live(ticks, 0.15, next);
        for (const member of fleet.members) member?.resume();
        await fleet.world.runtime.advance(10_000);
        await fleet.read();
        const { began } = fleet.book;
        // Each attempt begins once, and a later one has a greater token.
        const begun = began.map(({ key, attempt }) => `${key} ${attempt}`);
        expect(begun).toHaveLength(new Set(begun).size);
        for (const one of began.filter(({ attempt }) => attempt > 1)) {
          const before = began.find(({ key, attempt }) => key === one.key && attempt < one.attempt);
          expect(before === undefined || before.token < one.token).toBe(true);
        }
        const ran = [
          ...new Set([...began.map(({ tickMs }) => tickMs), ...fleet.book.ticksOf("crashed")]),
        ];
        const report = checkTicks({
          scheduled: scheduledBy(fromMs, await fleet.judgedMs()),
          ran,
          missed: fleet.book.ticksOf("missed", "skipped-overlap"),
        });
        expect(report.violations).toEqual([]);
        expect(fleet.book.ticksOf("crashed").length).toBeGreaterThan(0);
        expect(began.some(({ attempt }) => attempt > 1)).toBe(options.onCrash !== "skip");
        // Each tick is written down as done once.
        const done = fleet.book.ticksOf("done");
        expect(done).toHaveLength(new Set(done).size);
      },
    );
  },
);
