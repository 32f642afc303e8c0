/**
 * The command line as a person uses it, on a real server: what they type, and what they see.
 */
import { isQuorateError, refuse } from "@quorate/core";
import { breaker, sharedThrough } from "@quorate/resilience";
import { saga } from "@quorate/transaction";
import { connect, type Quorate } from "quorate";
import { expect, it } from "vitest";
import { runCommandLine } from "../../packages/quorate/src/cli/run.ts";
import { typedTerminal } from "../../packages/quorate/src/cli/terminal.fixture.ts";

/** Someone at a terminal. */
interface Person {
  /** Types a line, and answers what is asked. */
  type(line: string, answer?: string): Promise<{ code: number; out: string; err: string }>;
  /** What a command shows, as data. */
  rowsOf(line: string): Promise<readonly Record<string, unknown>[]>;
  /** Works on the same store as a service does. */
  on(work: (q: Quorate) => Promise<void>): Promise<void>;
}

/** Declares the tests; `urlOf` is asked when they run. */
export function itHasACommandLine(urlOf: () => string): void {
  const person = personAt(urlOf);
  itShowsWhatIsHeld(person);
  itShowsWhatRan(person);
}

function personAt(urlOf: () => string): Person {
  const type: Person["type"] = async (line, answer) => {
    const { own, said } = typedTerminal(answer);
    const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
    const code = await runCommandLine([...words, "--url", urlOf()], own);
    return { code, ...said };
  };
  const rowsOf: Person["rowsOf"] = async (line) =>
    JSON.parse((await type(`${line} --json`)).out) as Record<string, unknown>[];
  const on: Person["on"] = async (work) => {
    await using q = await connect(urlOf());
    await work(q);
  };
  return { type, rowsOf, on };
}

function itShowsWhatIsHeld({ type, rowsOf, on }: Person): void {
  it("shows who holds a lock and who waits, and breaks it when told yes", () =>
    on(async (q) => {
      const lock = await q.lock.acquire("order/1", { label: "pod-1" });
      const waiting = q.lock.acquire("order/1", { label: "pod-2" });
      await expect.poll(() => rowsOf("lock ls")).toMatchObject([{ label: "pod-1", waiters: 1 }]);
      expect((await type("lock show lock/order/1")).out).toMatch(/holds[^]*waits, 1\./);
      const refused = await type("lock break lock/order/1", "no");
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("nothing was done") });
      expect((await type("lock break lock/order/1", "yes")).code).toBe(0);
      const next = await waiting;
      expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);
      await next.release();
      expect(await lock.release()).not.toBe("released");
    }));

  it("shows leaders, and lets one resign", () =>
    on(async (q) => {
      const term = await q.elect("boss", { candidate: "pod-1" }).campaign();
      expect(await rowsOf("leader ls")).toMatchObject([{ election: "boss", leader: "pod-1" }]);
      expect((await type("leader resign boss --yes")).code).toBe(0);
      expect(await rowsOf("leader ls")).toEqual([]);
      await term.resign();
    }));

  it("shows a key, and forgets it for a reason only", () =>
    on(async (q) => {
      await q.once.run("charge/7", () => "paid");
      expect(await rowsOf("idem show charge/7")).toMatchObject([
        { state: "completed", attempt: 1 },
      ]);
      const why = await type("idem forget charge/7 --yes");
      expect(why).toMatchObject({ code: 2, err: expect.stringContaining("--why") });
      expect((await type('idem forget charge/7 --yes --why "a test"')).code).toBe(0);
      expect((await type("idem show charge/7")).out).toContain("may run");
    }));

  it("holds a shared breaker open in another process, and lets its calls come back", () =>
    on(async (q) => {
      const billing = breaker({ name: "billing", share: sharedThrough(q.backend) });
      expect((await type("breaker isolate billing --why test", "no")).code).toBe(1);
      expect(
        (await type("breaker isolate billing --why test --by me --for 60000", "yes")).code,
      ).toBe(0);
      expect(await rowsOf("breaker ls")).toMatchObject([
        { breaker: "billing", state: "isolated", by: "me", endsInMs: expect.any(Number) },
      ]);
      const call = (): Promise<unknown> =>
        billing
          .run(() => "called")
          .catch((error: unknown) => (isQuorateError(error) ? error.code : error));
      await expect.poll(call).toBe("BREAKER_OPEN");
      expect((await type("breaker release billing --why test --ramp 100")).code).toBe(0);
      await expect.poll(call).toBe("called");
      await billing.dispose();
    }));

  it("finds out how the server is", async () => {
    const seen = await type("doctor");
    expect(seen.out).toMatch(/✓ +server +(redis|nats-server) \d/);
    expect(seen.out).toMatch(/our clock against the server's +[+-]\d/);
    expect(seen.code).toBe(seen.out.includes("all is well") ? 0 : 1);
  });
}

function itShowsWhatRan({ type, rowsOf, on }: Person): void {
  it("pauses a job, and shows what ran", () =>
    on(async (q) => {
      let runs = 0;
      q.cron.schedule("nightly", "0 3 * * *", () => void (runs += 1));
      await expect.poll(() => rowsOf("cron ls")).toMatchObject([{ job: "nightly" }]);
      expect((await type('cron pause nightly --why "a test" --by me')).code).toBe(0);
      expect(await rowsOf("cron ls")).toMatchObject([{ paused: "a test" }]);
      expect((await type("cron trigger nightly")).code).toBe(0);
      await expect.poll(() => rowsOf("cron history nightly")).toMatchObject([{ outcome: "done" }]);
      expect(runs).toBe(1);
      expect((await type("cron resume nightly")).code).toBe(0);
    }));

  it("shows the sagas, and which are stuck", () =>
    on(async (q) => {
      const order = saga("order", { version: 1, input: (input: string) => input })
        .step("reserve", {
          run: () => "reserved",
          undo: () => {
            throw refuse("shelf-locked");
          },
          undoRetry: { attempts: 1, baseMs: 10 },
        })
        .step("charge", {
          run: () => {
            throw refuse("declined");
          },
          undo: () => {},
        })
        .returns(({ out }) => out.charge);
      q.sagas.serve(order);
      const handle = await q.sagas.start(order, { id: "o-1", input: "x" });
      const end = (): Promise<unknown> => handle.result().catch((error: unknown) => error);
      expect(isQuorateError(await end(), "SAGA_STUCK")).toBe(true);
      await expect
        .poll(() => rowsOf("saga ls --stuck"))
        .toMatchObject([
          { id: "o-1", state: "compensating", stuck: expect.stringContaining("reserve") },
        ]);
      expect((await type("saga show o-1")).out).toContain("order v1");
      expect((await type("saga show nobody")).code).toBe(1);
    }));
}
