import { type Json, refuse } from "@quorate/core";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { branch, saga } from "./define.ts";
import type { AnySaga, Saga, SagaInput, SagaOutput } from "./define-saga.ts";
import type { StepOutcome } from "./model.ts";

const begin = () =>
  saga("place-order", {
    version: 1,
    input: z.object({ sku: z.string(), cents: z.coerce.number<number>().int() }),
  });

const order = begin()
  .step("reserve", {
    run: async ({ input, key, attempt }) => {
      expectTypeOf(input).toEqualTypeOf<{ sku: string; cents: number }>();
      expectTypeOf(key).toBeString();
      expectTypeOf(attempt).toBeNumber();
      return { reservation: input.sku };
    },
    undo: ({ out, outcome }) => {
      expectTypeOf(outcome).toEqualTypeOf<StepOutcome>();
      expectTypeOf(out.reserve).toEqualTypeOf<{ reservation: string } | undefined>();
    },
  })
  .step("gift", {
    when: ({ input }) => input.cents > 100,
    run: ({ out }) => out.reserve.reservation.length,
    undo: ({ out }) => {
      expectTypeOf(out.reserve).toEqualTypeOf<{ reservation: string }>();
      expectTypeOf(out.gift).toEqualTypeOf<number | undefined>();
    },
  })
  .step("nothing", { run: async () => {}, undo: "none" })
  .parallel({
    email: branch({
      run: ({ out }) => ({ mail: out.reserve.reservation }),
      undo: ({ out }) => {
        expectTypeOf(out.email).toEqualTypeOf<{ mail: string } | undefined>();
      },
    }),
    score: {
      run: ({ out }) => out.gift ?? 0,
      undo: ({ out }) => {
        expectTypeOf(out.score).toEqualTypeOf<Json | undefined>();
        // @ts-expect-error branches do not see each other
        void out.email;
      },
    },
    rare: branch({ when: () => false, run: () => "x", undo: "none" }),
  })
  .pivot("dispatch", { run: ({ out }) => ({ tracking: out.email.mail }) })
  .step("tell", {
    run: ({ out }) => {
      expectTypeOf(out).toEqualTypeOf<{
        readonly reserve: { reservation: string };
        readonly gift?: number | undefined;
        readonly nothing: undefined;
        readonly email: { mail: string };
        readonly score: number;
        readonly rare: string | undefined;
        readonly dispatch: { tracking: string };
      }>();
      return out.dispatch.tracking;
    },
  })
  .returns(({ input, out }) => ({ sku: input.sku, tracking: out.dispatch.tracking }));

describe("the types of a definition", () => {
  it("carry the input as it is handed in, and the result", () => {
    expectTypeOf(order).toEqualTypeOf<
      Saga<{ sku: string; cents: number }, { sku: string; tracking: string }>
    >();
    expectTypeOf<SagaInput<typeof order>>().toEqualTypeOf<{ sku: string; cents: number }>();
    expectTypeOf<SagaOutput<typeof order>>().toEqualTypeOf<{ sku: string; tracking: string }>();
    const all: AnySaga[] = [order];
    expect(all).toHaveLength(1);
  });

  it("tell what a schema takes from what it gives", () => {
    const schema = z.object({ n: z.string().transform(Number) });
    const made = saga("s", { version: 1, input: schema })
      .step("a", { run: ({ input }) => input.n, undo: "none" })
      .returns(({ out }) => out.a);
    expectTypeOf(made).toEqualTypeOf<Saga<{ n: string }, number>>();
    const plain = saga("s", { version: 1, input: (raw: unknown) => String(raw) })
      .step("a", { run: ({ input }) => input, undo: "none" })
      .returns(() => {});
    expectTypeOf(plain).toEqualTypeOf<Saga<string, undefined>>();
    expect(plain.name).toBe("s");
  });

  it("hide later outputs from earlier steps", () => {
    const draft = begin()
      .step("a", {
        // @ts-expect-error `b` comes later
        run: ({ out }) => out.b,
        undo: "none",
      })
      .step("b", { run: () => 1, undo: "none" });
    expect(draft).toBeDefined();
  });

  it("ask for a way back before the pivot, and refuse one from there on", () => {
    const draft = begin();
    // @ts-expect-error no undo
    expect(() => draft.step("a", { run: () => 1 })).toThrow(/undo/);
    // @ts-expect-error a pivot has no undo
    expect(() => draft.pivot("a", { run: () => 1, undo: () => {} })).toThrow(/undo/);
    const decided = draft.pivot("a", { run: () => 1 });
    // @ts-expect-error behind the pivot there is none
    expect(() => decided.step("b", { run: () => 1, undo: () => {} })).toThrow(/undo/);
    // @ts-expect-error one pivot only
    expect(() => decided.pivot("b", { run: () => 1 })).toThrow(/second/);
  });

  it("refuse what does not survive JSON", () => {
    const draft = begin();
    // @ts-expect-error a Date
    expect(draft.step("a", { run: () => new Date(), undo: "none" }).returns).toBeDefined();
    const map = async () => ({ seen: new Map<string, number>() });
    // @ts-expect-error a Map inside
    expect(draft.step("a", { run: map, undo: "none" }).returns).toBeDefined();
    // @ts-expect-error a bigint
    expect(draft.pivot("a", { run: () => [1n] }).returns).toBeDefined();
    // @ts-expect-error a Date of a branch
    expect(draft.parallel({ a: { run: () => new Date(), undo: "none" } }).returns).toBeDefined();
    interface Tree {
      readonly kids: readonly Tree[];
      readonly label?: string;
    }
    const tree = async (): Promise<Tree> => ({ kids: [] });
    const fine = draft.step("a", { run: tree, undo: ({ out }) => out.a?.kids });
    expectTypeOf(fine.returns(({ out }) => out.a.kids)).toExtend<AnySaga>();
    const dates = saga("s", { version: 1, input: z.object({ at: z.date() }) });
    // @ts-expect-error an input that cannot be stored
    expect(dates.step).toBeDefined();
  });

  it("hold a child to its own input", () => {
    const parent = saga("parent", { version: 1, input: (n: number) => n });
    const child = saga("inner", { version: 1, input: (input: { n: number }) => input })
      .step("a", { run: () => "made", undo: "none" })
      .returns(({ out }) => out.a);
    const whole = parent
      .child("inner", child, ({ input }) => ({ n: input }))
      .returns(({ out }) => out.inner);
    expectTypeOf(whole).toEqualTypeOf<Saga<number, string>>();
    // @ts-expect-error not what the child takes
    expect(parent.child("inner", child, ({ input }) => ({ n: String(input) }))).toBeDefined();
  });

  it("let a check answer with the step's own output only", () => {
    const draft = begin();
    const checked = draft.step("a", {
      run: () => ({ id: "x" }),
      check: () => ({ outcome: "done", output: { id: "y" } }),
      undo: "none",
    });
    expect(checked).toBeDefined();
    const check = () => ({ outcome: "done", output: "y" }) as const;
    // @ts-expect-error another output than that of `run`
    draft.step("a", { run: () => 1, check, undo: "none" });
    draft.step("b", {
      run: ({ input }) => {
        if (input.cents > 9) throw refuse("too-much");
        return { ok: true };
      },
      undo: ({ out }) => out.b?.ok,
    });
  });
});
