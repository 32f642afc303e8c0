import { Script } from "node:vm";
import { describe, expect, it } from "vitest";

import type { TraceEntry } from "../kernel/witness.ts";
import { runOnce } from "../run/run-once.ts";
import type { World } from "../run/world.ts";
import { spaceTimeDiagram } from "./diagram.ts";
import { layOut } from "./layout.ts";
import { PAGE_SCRIPT } from "./page-script.ts";

const EVIL = `<script>alert("x")</script>`;

/** Two processes that talk; one has a name that wants to be code. */
function world(sim: World): void {
  sim.process(EVIL, {
    main: async (process) => {
      for (;;) {
        await process.sleep(100);
        process.send("listener", new Uint8Array(1));
        process.mark(`said </script> & "quoted"`);
      }
    },
  });
  sim.process("listener", { main: (process) => void process.onMessage(() => {}) });
  sim.always(`few '${EVIL}'`, () => sim.nowMs < 900);
}

const LOSS = { node: "listener", lossRate: 1 };

const run = () =>
  runOnce({
    seed: 3,
    durationMs: 2_000,
    traceLines: 500,
    world,
    plan: [
      { atMs: 150, kind: "pause", target: "listener", forMs: 200 },
      { atMs: 400, kind: "loss", target: "network", forMs: 300, values: LOSS },
    ],
  });

/** The page without what we wrote ourselves as script. */
const markup = (page: string): string => page.replace(`<script>${PAGE_SCRIPT}</script>`, "");

describe("a space-time diagram", () => {
  it("is one file that needs no other and runs nothing of the run's", async () => {
    const page = spaceTimeDiagram(await run());
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("default-src 'none'");
    expect(markup(page)).not.toMatch(/<script|<link|<img|<iframe|javascript:/i);
    expect(markup(page)).not.toMatch(/\s(src|href)=/i);
    expect(markup(page)).not.toMatch(/<[^>]*\son\w+=/i);
    expect(markup(page)).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
  });

  it("closes what it opens", async () => {
    const page = markup(spaceTimeDiagram(await run()));
    for (const tag of ["svg", "line", "rect", "circle", "text", "title", "td", "tr", "details"]) {
      const opened = page.match(new RegExp(`<${tag}[ >]`, "g"))?.length ?? 0;
      const shut = page.match(new RegExp(`</${tag}>`, "g"))?.length ?? 0;
      const alone = page.match(new RegExp(`<${tag}[^>]*/>`, "g"))?.length ?? 0;
      expect([tag, shut + alone]).toEqual([tag, opened]);
    }
  });

  it("shows columns, arrows, faults, marks, and the violation", async () => {
    const result = await run();
    const { lanes, arrows, bars, dots } = layOut(result.trace, result.plan, result.violation);
    expect(lanes).toEqual(["world", EVIL, "listener"]);
    expect(arrows.map(({ end }) => end)).toEqual(expect.arrayContaining(["arrived", "lost"]));
    for (const { from, to, sentMs, endMs } of arrows) {
      expect([from, to]).toEqual([1, 2]);
      expect(endMs).toBeGreaterThanOrEqual(sentMs);
    }
    expect(bars.map(({ lane, fromMs, toMs }) => [lane, fromMs, toMs])).toEqual([
      [2, 150, 350],
      [0, 400, 700],
    ]);
    expect(dots.filter(({ kind }) => kind === "violation")).toHaveLength(1);
    const page = spaceTimeDiagram(result);
    expect(page.match(/class="message lost"/g)?.length).toBeGreaterThan(0);
    expect(page).toContain('class="violation"');
    expect(page).toContain('<tr class="violation">');
  });

  it("shows the last entries, as many as allowed", async () => {
    const page = spaceTimeDiagram(await run(), { maxEntries: 10, title: "a <title>" });
    expect(page.match(/<tr class/g)).toHaveLength(10);
    expect(page).toContain("<title>a &lt;title&gt;</title>");
  });

  it("is small for a long trace", () => {
    const trace = Array.from({ length: 100_000 }, (_, index): TraceEntry => {
      return { atMs: index, node: `node-${index % 7}`, kind: "note", text: "x".repeat(5_000) };
    });
    const page = spaceTimeDiagram({ seed: "0x1", plan: [], trace });
    expect(page.length).toBeLessThan(4_000_000);
  });

  it("is drawn of nothing, too", () => {
    const page = spaceTimeDiagram({ seed: "0x1", plan: [], trace: [] });
    expect(page).toContain("Every claim held.");
    expect(page).not.toContain("NaN");
  });

  it("has a script that parses", () => {
    expect(() => new Script(PAGE_SCRIPT)).not.toThrow();
  });
});
