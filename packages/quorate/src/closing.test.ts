import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import { Closing, type Stage, STAGES } from "./closing.ts";

const runtime = new ScriptedRuntime();

function recorder(log: string[], name: string, takesMs = 0) {
  return {
    async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
      log.push(`${name} ${graceMs}`);
      if (takesMs > 0) await runtime.advance(takesMs);
    },
  };
}

describe("closing", () => {
  it("goes stage by stage, whatever came first", async () => {
    const log: string[] = [];
    const closing = new Closing(runtime);
    for (const stage of [...STAGES].reverse()) closing.add(stage, recorder(log, stage));
    await closing.close(100);
    expect(log).toEqual(STAGES.map((stage) => `${stage} 100`));
  });

  it("gives each stage what is left of the grace, and no less than nothing", async () => {
    const log: string[] = [];
    const closing = new Closing(runtime);
    const takes: Partial<Record<Stage, number>> = { intake: 60, leaders: 70 };
    for (const stage of STAGES) closing.add(stage, recorder(log, stage, takes[stage]));
    await closing.close(100);
    expect(log.slice(0, 4)).toEqual(["intake 100", "leaders 40", "work 0", "calls 0"]);
  });

  it("closes the rest where one fails, and then throws what that one threw", async () => {
    const log: string[] = [];
    const closing = new Closing(runtime);
    closing.add("intake", { close: async () => Promise.reject(new Error("stuck")) });
    closing.add("intake", recorder(log, "beside"));
    closing.add("holds", recorder(log, "after"));
    await expect(closing.close(5)).rejects.toThrow("stuck");
    expect(log).toEqual(["beside 5", "after 5"]);
  });
});
