import { describe, expect, it } from "vitest";

import { fixedService } from "./fixed-service.ts";

describe("a fixed service", () => {
  it("is a view that never changes, with defaults filled in", async () => {
    const view = fixedService("billing", [
      { address: "a" },
      { address: "b", id: "two", weight: 3 },
      { address: "c", state: "draining" },
    ]);
    const snapshot = await view.ready();
    expect(snapshot.endpoints).toMatchObject([
      { id: "a", service: "billing", weight: 1, state: "up" },
      { id: "two", address: "b", weight: 3 },
    ]);
    expect(view.endpoint("c")?.state).toBe("draining");
    expect(view.endpoint("d")).toBeUndefined();
    const watch = view.watch();
    expect((await watch.next()).value).toBe(snapshot);
    await view.close();
    expect((await watch.next()).done).toBe(true);
    await expect(view.ready()).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => view.onChange(() => {})).toThrow(/CLOSED/);
  });

  it("where all drain hands them out", () => {
    const { snapshot } = fixedService("billing", [{ address: "a", state: "draining" }]);
    expect(snapshot.endpoints.map(({ id }) => id)).toEqual(["a"]);
    expect(() => fixedService("", [])).toThrow(/service/);
  });
});
