import { memoryBackend } from "@quorate/memory";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";

import type { Client } from "./client/client.ts";
import { client } from "./client/client.ts";
import { contract } from "./contract.ts";
import { failedWith } from "./guards.ts";
import type { Handlers } from "./server/options.ts";

const Bank = contract("bank", "2.0.0", {
  charge: {
    input: z.object({ cents: z.int(), note: z.string().default("") }),
    output: z.object({ receipt: z.string() }),
    errors: {
      CardDeclined: z.object({ by: z.string() }),
      HalfDone: { data: z.int(), effect: "applied" },
    },
    repeat: "keyed",
  },
  balance: { input: z.string(), output: z.int(), repeat: "safe" },
  wipe: { input: z.undefined(), output: z.boolean() },
  history: { input: z.string(), items: z.object({ cents: z.int() }) },
});
type Bank = typeof Bank;

/** Only its types matter: it is never called. */
const never = (claims: () => unknown): void => expect(claims).toBeTypeOf("function");

describe("types of a contract", () => {
  it("are what its schemas say, on both sides", () => {
    expectTypeOf<Client<Bank>["balance"]>().returns.resolves.toBeNumber();
    expectTypeOf<Client<Bank>["charge"]>().returns.resolves.toEqualTypeOf<{ receipt: string }>();
    expectTypeOf<Client<Bank>["charge"]>()
      .parameter(0)
      .toEqualTypeOf<{ cents: number; note?: string | undefined }>();
    expectTypeOf<Handlers<Bank>["charge"]>()
      .parameter(0)
      .toEqualTypeOf<{ cents: number; note: string }>();
    expectTypeOf<Handlers<Bank>["charge"]>().parameter(1).toHaveProperty("fencingToken");
    expectTypeOf<Client<Bank>["history"]>().returns.toExtend<AsyncIterable<{ cents: number }>>();
    expect(Bank.major).toBe(2);
  });

  it("refuse a wrong call", () => {
    never(async () => {
      const bank = client(memoryBackend(), Bank);
      await bank.wipe();
      await bank.charge({ cents: 1 }, { key: "k" });
      // @ts-expect-error the input is a string
      await bank.balance(5);
      // @ts-expect-error a keyed method needs its key
      await bank.charge({ cents: 1 });
      // @ts-expect-error a keyed method needs its key among its options
      await bank.charge({ cents: 1 }, { timeoutMs: 5 });
      // @ts-expect-error a method that is not keyed takes no key
      await bank.balance("a", { key: "k" });
      // @ts-expect-error there is no such method
      await bank.balances("a");
      // @ts-expect-error a stream is iterated, it is no promise of one output
      const one: Promise<{ cents: number }> = bank.history("a");
      // @ts-expect-error there is no such error
      failedWith(Bank, "charge", undefined, "CardLost");
      // @ts-expect-error that error is another method's
      failedWith(Bank, "balance", undefined, "CardDeclined");
      return one;
    });
  });

  it("refuse a wrong handler, and a wrong error", () => {
    const handlers: Partial<Handlers<Bank>> = {
      charge: (_input, call) => {
        never(() => call.fail("CardDeclined", { by: "x" }));
        // @ts-expect-error the error has other data
        never(() => call.fail("CardDeclined", { from: "x" }));
        // @ts-expect-error there is no such error
        never(() => call.fail("CardLost", {}));
        return { receipt: call.key };
      },
      // @ts-expect-error the output is a number
      balance: () => "five",
      // @ts-expect-error a stream yields
      history: () => [{ cents: 1 }],
    };
    expect(Object.keys(handlers)).toHaveLength(3);
  });
});

describe("a contract that cannot be right", () => {
  const input = z.string();
  const output = z.string();
  const both = { input, output };

  it.each([
    // @ts-expect-error a client has `then` already: it would be a promise
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is about
    ["then", () => contract("s", "1.0.0", { then: both })],
    // @ts-expect-error a client has `close` already
    ["close", () => contract("s", "1.0.0", { close: both })],
    ["constructor", () => contract("s", "1.0.0", { constructor: both } as never)],
    ["a-b", () => contract("s", "1.0.0", { "a-b": both })],
    // @ts-expect-error a method has output or items
    ["neither", () => contract("s", "1.0.0", { neither: { input } })],
    // @ts-expect-error not both
    ["twice", () => contract("s", "1.0.0", { twice: { ...both, items: output } })],
    // @ts-expect-error a stream has no key
    ["keyed", () => contract("s", "1.0.0", { keyed: { input, items: output, repeat: "keyed" } })],
    ["2", () => contract("s", "1.0", { m: both })],
    ["s/t", () => contract("s/t", "1.0.0", { m: both })],
    ["internal", () => contract("s", "1.0.0", { m: { ...both, errors: { internal: output } } })],
    ["TIMEOUT", () => contract("s", "1.0.0", { m: { ...both, errors: { TIMEOUT: output } } })],
  ])("is refused at once: %s", (_name, make) => {
    expect(make).toThrow(/^INVALID_ARGUMENT/);
  });

  it("does not compile where the schema would not take what it makes", () => {
    never(() =>
      // @ts-expect-error the second side would be given a number, and wants a string
      contract("s", "1.0.0", { m: { input: z.string().transform(Number), output } }),
    );
    expect(contract("s", "1.0.0", { m: { input: z.coerce.date(), output } }).name).toBe("s");
  });
});
