import { refuse } from "@quorate/core";
import { describe, expect, it } from "vitest";
import { saga } from "../saga/define.ts";
import { explore } from "./explore.ts";
import { formatSchedule } from "./format.ts";
import type { Explored, ExploreOptions } from "./options.ts";
import { participant } from "./participant.ts";

const NONE = { crashes: 0, lateRequests: 0, zombies: 0, refusals: 0 };
const input = (cents: number) => cents;

/** Two steps at a participant that is as it should be. */
const sound = (): Explored<number, number> => {
  const shop = participant("shop");
  const step = {
    run: ({ key }: { readonly key: string }) => shop.apply(key, 1),
    undo: ({ key }: { readonly key: string }) => shop.cancel(key),
  };
  const order = saga("order", { version: 1, input })
    .step("reserve", step)
    .step("charge", step)
    .returns(({ out }) => out.charge);
  return { saga: order, input: 5, participants: [shop] };
};

/** Its undo believes that there is nothing to undo where there is no output. */
const forgetful = (): Explored<number, number> => {
  let isBooked = false;
  const order = saga("order", { version: 1, input })
    .step("book", {
      run: ({ input: cents }) => {
        isBooked = true;
        return cents;
      },
      undo: ({ out }) => {
        if (out.book !== undefined) isBooked = false;
      },
    })
    .returns(({ out }) => out.book);
  const invariant = ({ state }: { readonly state: string }) =>
    isBooked === (state === "done") ? undefined : `${state}, and it is booked: ${isBooked}`;
  return { saga: order, input: 5, invariant };
};

describe("exploring a sound saga", () => {
  it("without faults runs the one schedule there is", async () => {
    const report = await explore(sound, NONE);
    expect(report).toMatchObject({ schedules: 1, violations: 0, exhausted: true });
    expect([...report.endings]).toEqual([["done", 1]]);
  });

  it.each([
    ["a crash and a refusal", { ...NONE, crashes: 1, refusals: 1 }],
    ["a late request and a refusal", { ...NONE, lateRequests: 1, refusals: 1 }],
    ["a zombie that comes back at any time", { ...NONE, zombies: 1, zombiesReturn: "anywhere" }],
  ] as const)("finds nothing under %s, and says that it saw all", async (_, options) => {
    const report = await explore(sound, options);
    expect(report).toMatchObject({ violations: 0, exhausted: true, shortest: undefined });
    expect(report.schedules).toBeGreaterThan(5);
  });

  it("counts the same twice: nothing but the schedule decides", async () => {
    const options: ExploreOptions = { ...NONE, crashes: 1, refusals: 1 };
    const counts = async () => {
      const { schedules, endings } = await explore(sound, options);
      return [schedules, ...endings];
    };
    expect(await counts()).toEqual(await counts());
  });
});

describe("exploring a saga with a bug", () => {
  it("tells the shortest way to it, in words", async () => {
    const report = await explore(forgetful, { ...NONE, crashes: 1, refusals: 1 });
    expect(report.violations).toBe(1);
    const { shortest } = report;
    if (shortest === undefined) throw new Error("it should have been found");
    expect(shortest).toMatchObject({ faults: 2, ending: { state: "compensated" } });
    const text = formatSchedule(shortest);
    expect(text).toMatch(/^With 2 faults: compensated, and it is booked: true\n/);
    expect(text).toMatch(/! +\d+ +0\.0 s {2}worker 1 crashes before it writes the log/);
    expect(text).toMatch(/! +\d+ +\d+\.\d s {2}worker 2 runs book: it is refused/);
  });

  it("stops at the first failure if asked to", async () => {
    const report = await explore(forgetful, { stopAtFirst: true });
    expect(report).toMatchObject({ violations: 1, exhausted: false });
    expect(report.shortest?.faults).toBe(2);
  });

  it("finds an undo that needs what is not known, by the saga that is stuck", async () => {
    const make = () => {
      const order = saga("order", { version: 1, input })
        .step("book", {
          run: () => ({ id: "b" }),
          undo: ({ out }) => void out.book!.id,
          undoRetry: { attempts: 2 },
        })
        .returns(({ out }) => out.book);
      return { saga: order, input: 5 };
    };
    const report = await explore(make, { ...NONE, refusals: 1 });
    expect(report.shortest?.violation).toMatch(/stuck at book:undo/);
  });

  it("judges by the calls alone where there are no participants", async () => {
    const make = () => {
      const order = saga("order", { version: 1, input })
        .step("book", { run: () => ({ id: "b" }), undo: () => {} })
        .returns(({ out }) => out.book);
      return { saga: order, input: 5 };
    };
    // No tombstone: the late request lands after the undo, and nobody refuses it.
    const report = await explore(make, { ...NONE, lateRequests: 1, refusals: 1 });
    expect(report.shortest?.violation).toBe("compensated, but the effect of book stands");
  });
});

describe("what a saga is made of", () => {
  it("may be anything: branches, children, a pivot, optional steps, a refusal", async () => {
    const shop = () => participant("shop");
    const make = () => {
      const one = shop();
      const step = {
        run: ({ key }: { readonly key: string }) => one.apply(key, 1),
        undo: ({ key }: { readonly key: string }) => one.cancel(key),
      };
      const inner = saga("inner", { version: 1, input })
        .step("x", step)
        .returns(({ out }) => out.x);
      const whole = saga("whole", { version: 1, input })
        .parallel({ a: step, b: step })
        .child("in", inner, ({ input: cents }) => cents)
        .step("never", { ...step, when: () => false })
        .step("limit", {
          run: ({ input: cents }) => {
            if (cents > 5) throw refuse("too-much");
          },
          undo: "none",
        })
        .pivot("send", { run: ({ key }) => one.apply(key, 1) })
        .returns(({ out }) => out.send);
      return { whole, participants: [one] };
    };
    const at = (cents: number) => () => {
      const { whole, participants } = make();
      return { saga: whole, input: cents, participants };
    };
    const done = await explore(at(5), { ...NONE, crashes: 1 });
    expect([done.violations, [...done.endings.keys()]]).toEqual([0, ["done"]]);
    const undone = await explore(at(6), { ...NONE, crashes: 1 });
    expect([undone.violations, [...undone.endings.keys()]]).toEqual([0, ["compensated"]]);
  });
});

describe("a pivot", () => {
  it("is sound if its participant keeps to what it has answered to a key", async () => {
    const make = () => {
      const shop = participant("shop");
      const order = saga("order", { version: 1, input })
        .step("reserve", {
          run: ({ key }) => shop.apply(key, 1),
          undo: ({ key }) => shop.cancel(key),
        })
        .pivot("send", { run: ({ key }) => shop.apply(key, 1) })
        .step("tell", { run: ({ key }) => shop.apply(key, 1) })
        .returns(({ out }) => out.send);
      return { saga: order, input: 5, participants: [shop] };
    };
    const late = await explore(make, { ...NONE, lateRequests: 1, refusals: 1 });
    expect(late).toMatchObject({ violations: 0, exhausted: true });
    const crashed = await explore(make, { ...NONE, crashes: 1, refusals: 1 });
    expect(crashed).toMatchObject({ violations: 0, exhausted: true });
  });
});

describe("the bounds of an exploration", () => {
  it("end it, and are told", async () => {
    const report = await explore(sound, { maxSchedules: 10 });
    expect(report).toMatchObject({ schedules: 10, exhausted: false });
    const few = await explore(sound, { crashes: 2, refusals: 2, maxFaults: 0 });
    expect(few).toMatchObject({ schedules: 1, exhausted: true });
  });

  it("include the caller's signal", async () => {
    const report = await explore(sound, { signal: AbortSignal.abort() });
    expect(report).toMatchObject({ schedules: 1, exhausted: false });
  });

  it("are checked", async () => {
    await expect(explore(sound, { crashes: -1 })).rejects.toThrow(/crashes/);
    await expect(explore(sound, { zombies: 0.5 })).rejects.toThrow(/zombies/);
    await expect(explore(sound, { zombiesReturn: "never" as "anywhere" })).rejects.toThrow(
      /zombies/,
    );
    await expect(explore(sound, { crash: 1 } as object)).rejects.toThrow(/crash/);
    await expect(explore(undefined as never)).rejects.toThrow(/make/);
    await expect(explore(() => ({ saga: {}, input: 1 }) as never)).rejects.toThrow(/saga/);
  });

  it("do not include a function that waits for nothing", async () => {
    const make = () => {
      const order = saga("order", { version: 1, input })
        .step("hang", { run: () => new Promise<number>(() => {}), undo: "none" })
        .returns(({ out }) => out.hang);
      return { saga: order, input: 5 };
    };
    await expect(explore(make, NONE)).rejects.toThrow(/hang has not settled in 1000 ms/);
  });
});
