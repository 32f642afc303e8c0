/**
 * The umbrella by URL on real servers: the same lines as in memory.
 */
import { isQuorateError } from "@quorate/core";
import { connect, type Quorate } from "quorate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs, startNats, startRedis } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { itHasACommandLine } from "./command-line.ts";

const ENGINES = [
  { name: "redis", need: needs("redis"), start: startRedis },
  { name: "nats", need: needs("nats"), start: () => startNats() },
] as const;

for (const { name, need, start } of ENGINES) {
  describe.skipIf(need.skip)(`connect to ${name}${need.reason}`, () => {
    suite(name, start);
  });
}

function suite(name: string, start: () => Promise<ServerProcess>): void {
  let server: ServerProcess;
  let url = "";
  beforeAll(async () => {
    server = await start();
    url = `${name}://${server.host}:${server.port}`;
  });
  afterAll(() => server.stop());

  it("gives two processes one lock, one answer and one leader", async () => {
    const two: readonly Quorate[] = [await connect(url), await connect(url)];
    const tokens = await Promise.all(two.map((q) => q.lock.run("a", (lock) => lock.check())));
    expect(new Set(tokens).size).toBe(2);
    let ran = 0;
    const answers = await Promise.all(two.map((q) => q.once.run("charge", () => ++ran)));
    expect([answers, ran]).toEqual([[1, 1], 1]);
    const [first, second] = two.map((q) => q.elect("boss")) as [never, never];
    const leads = async (election: ReturnType<Quorate["elect"]>): Promise<number> => {
      await using term = await election.campaign();
      return term.term;
    };
    const terms = await Promise.all([leads(first), leads(second)]);
    expect(new Set(terms).size).toBe(2);
    await Promise.all(two.map((q) => q.close()));
  });

  it("says so where nobody answers, leaves nothing open, and shows no password", async () => {
    const closed = `${name}://bob:secret@127.0.0.1:1`;
    const error = await connect(closed, { requestTimeoutMs: 300 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isQuorateError(error, "STORE_UNAVAILABLE"), String(error)).toBe(true);
    expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain("secret");
  });

  itHasACommandLine(() => url);
}
