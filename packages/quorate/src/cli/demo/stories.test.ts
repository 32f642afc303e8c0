import { describe, expect, it } from "vitest";
import { DEMOS } from "./demos.ts";
import { inProcess } from "./puppets.fixture.ts";
import { openStage } from "./stage.ts";
import type { Demo } from "./story.ts";

const never = new AbortController().signal;
const TIMEOUT_MS = 30_000;

async function told(demo: Demo): Promise<{ broken: string[]; lines: string[] }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const stage = await openStage({
    ...{ demo: demo.name, url: undefined, say, signal: never, hire: inProcess },
  });
  try {
    const claims = await demo.tell(stage);
    const broken = claims.filter(({ isKept }) => !isKept).map(({ claim }) => claim);
    return { broken: claims.length === 0 ? ["no claim at all"] : broken, lines };
  } finally {
    await stage.clear();
  }
}

describe.concurrent("the story of", () => {
  for (const demo of DEMOS) {
    it(
      `${demo.name} keeps all that it claims`,
      async ({ expect: check }) => {
        const { broken, lines } = await told(demo);
        check(broken, lines.join("\n")).toEqual([]);
        check(lines.length).toBeGreaterThan(3);
      },
      TIMEOUT_MS,
    );
  }
});

describe("a story that goes wrong", () => {
  const stageOf = (demo: string, signal = never) =>
    openStage({ demo, url: undefined, say: () => {}, signal, hire: inProcess });

  it("fails when a process ends that should not", async () => {
    const stage = await stageOf("none"); // Nobody's role: it ends at once.
    await stage.start("pod-1");
    await expect(stage.until("nothing", new Promise(() => {}))).rejects.toThrow(
      /pod-1 ended by itself/,
    );
    await stage.clear();
  });

  it("fails when the world outside does", async () => {
    const stage = await stageOf("idempotency");
    stage.answer(() => {
      throw new Error("the bank is closed");
    });
    await stage.start("pod-1");
    await expect(stage.until("nothing", new Promise(() => {}))).rejects.toThrow(/bank is closed/);
    await stage.clear();
  });

  it("ends at Ctrl-C", async () => {
    const interrupted = new AbortController();
    const stage = await stageOf("idempotency", interrupted.signal);
    const waiting = stage.until("nothing", new Promise(() => {}));
    interrupted.abort(new Error("interrupted"));
    await expect(waiting).rejects.toThrow("interrupted");
    await stage.clear();
  });
});
