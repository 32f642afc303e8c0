/**
 * The model check of rpc: real clients and real servers, and every order in which what they send
 * may arrive, be lost, come twice, come late, or find its process dead.
 *
 * Whatever happens: an unsafe call runs at most once; a key has one effect; what was answered ran;
 * and every rejection says truly whether its call ran. The slice here takes seconds; the whole is
 * `npx tsx -C @quorate/source test/rpc/interleavings/main.ts --full`, which prints its counts.
 *
 * The limit that `serve` names is not explored: a bus that hands one request to two instances.
 */
import { describe, expect, it } from "vitest";
import { exploreMutant, MUTANTS } from "./interleavings/mutants.ts";
import { SLICE } from "./interleavings/plan.ts";
import { explore } from "./interleavings/search.ts";

const MAX_SCHEDULES = 250;

describe("whatever is lost, doubled, late or killed", () => {
  it.each(SLICE)("$name: calls tell the truth", { timeout: 60_000 }, async (plan) => {
    const { schedules, first } = await explore(plan, { maxSchedules: MAX_SCHEDULES });
    expect(first === undefined ? "" : [first.violation, ...first.story].join("\n")).toBe("");
    expect(schedules).toBeGreaterThan(50);
  });

  it("counts the same twice: nothing but the schedule decides", async () => {
    const [plan] = SLICE;
    if (plan === undefined) return expect.unreachable();
    const short = { ...plan, clients: [["unsafe"]], servers: 1 } as const;
    const { schedules } = await explore(short);
    expect(await explore(short)).toMatchObject({ schedules, isWhole: true });
  });
});

describe("the explorer finds mistakes", () => {
  /** Two a day; all of them by the command. */
  const today = Math.floor(Date.now() / 86_400_000) * 2;
  const chosen = [today, today + 1].flatMap((at) => MUTANTS[at % MUTANTS.length] ?? []);

  it.each(chosen)("$name", { timeout: 60_000 }, async (mutant) => {
    const { first } = await exploreMutant(mutant, { maxSchedules: 1_000, stopAtFirst: true });
    expect(first?.violation).toMatch(mutant.told);
  });
});
