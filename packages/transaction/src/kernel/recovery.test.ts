import { describe, expect, it } from "vitest";
import { Shop } from "../saga/saga.fixture.ts";

describe("a look at all records", () => {
  it("rests after each few hundred, for ended ones are kept for days", async () => {
    const shop = new Shop();
    const line = shop.line(["a"]);
    const { sagas } = shop.process([line]);
    const ids = Array.from({ length: 1_001 }, (_, index) => `x-${index}`);
    const all = ids.map((id) => sagas.run(line, { id, input: { n: 1 } }));
    await shop.world.outcome(Promise.all(all));
    await shop.world.runtime.advance(60_000);
    const scan = shop.world.events("transaction.scan").at(-1);
    expect(scan).toMatchObject({ records: 1_001, orphans: 0, tookMs: 20 });
  });
});
