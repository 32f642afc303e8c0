import { describe, expect, it } from "vitest";
import { Shop } from "./saga.fixture.ts";

const LONG = "v".repeat(50_000);
const DAY_MS = 24 * 3_600_000;
const says = { by: "ada", why: "asked to" };

/** What is left of each value that is kept apart; `undefined`: for ever. */
async function endsOf(process: ReturnType<Shop["process"]>): Promise<(number | undefined)[]> {
  const ends: (number | undefined)[] = [];
  const { kv } = process.process.memory;
  for await (const { expiresInMs } of kv.list("saga-values")) ends.push(expiresInMs);
  return ends;
}

function longShop(): { shop: Shop; line: ReturnType<Shop["line"]> } {
  const shop = new Shop();
  shop.behave.set("a do", () => LONG);
  return { shop, line: shop.line(["a", "b"], { step: { b: { retry: { attempts: 1_000 } } } }) };
}

describe("a value kept apart", () => {
  it("stays while its saga is open, however long that takes, and over a takeover", async () => {
    const { shop, line } = longShop();
    const one = shop.process([line]);
    const two = shop.process([line]);
    shop.behave.set("b do", () => new Promise(() => {}));
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }));
    expect(await endsOf(two)).toEqual([undefined]);
    one.process.kill();
    await shop.world.runtime.advance(20_000);
    expect(shop.world.events("transaction.takeover")).toMatchObject([{ id: "x", won: true }]);
    expect(await endsOf(two)).toEqual([undefined]);
  });

  it("goes by itself when the process died before the record knew of it", async () => {
    const { shop, line } = longShop();
    const one = shop.process([line]);
    const two = shop.process([]);
    let writes = 0;
    one.process.calls.fate = (_, call) => {
      if (call.startsWith("put sagas/")) writes += 1;
      return writes === 2 ? "dies-before" : undefined;
    };
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }), 5_000);
    expect(await endsOf(two)).toEqual([expect.closeTo(14 * DAY_MS, -5)]);
  });

  it("has an end before its saga has, and none again where the saga does not end", async () => {
    const { shop, line } = longShop();
    const one = shop.process([line], { maxTakeovers: 100 });
    const two = shop.process([line]);
    let hasDied = false;
    one.process.calls.fate = (_, call) => {
      const isBeforeEnd = call === "put sagas/x" && shop.log.includes("b do");
      if (isBeforeEnd) hasDied = true;
      return isBeforeEnd ? "dies-before" : undefined;
    };
    shop.behave.set("b do", (_, count) => (count === 1 ? {} : new Promise(() => {})));
    await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }), 2_000);
    expect({ hasDied, ends: await endsOf(two) }).toEqual({
      hasDied: true,
      ends: [expect.any(Number)],
    });
    await shop.world.runtime.advance(20_000);
    expect((await two.sagas.inspect("x"))?.state).toBe("running");
    expect(await endsOf(two)).toEqual([undefined]);
  });

  it("goes with a saga that an operator ends, driven or not", async () => {
    for (const isDriven of [true, false]) {
      const { shop, line } = longShop();
      const one = shop.process([line]);
      shop.behave.set("b do", () => {
        if (isDriven) return new Promise(() => {});
        return 1n;
      });
      await shop.world.outcome(one.sagas.start(line, { id: "x", input: { n: 1 } }), 5_000);
      expect(await endsOf(one)).toEqual([undefined]);
      const control = await one.sagas.get("x");
      await shop.world.outcome(control?.force("compensated", says) ?? Promise.resolve());
      await shop.world.runtime.advance(2_000);
      expect((await one.sagas.inspect("x"))?.state).toBe("compensated");
      expect(await endsOf(one)).toEqual([expect.any(Number)]);
    }
  });
});
