/**
 * Sagas over real processes on a real server.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, type ServerProcess } from "../../scripts/servers/index.mjs";
import { killed, succeeded } from "./crash-suite.ts";
import { helped, overtaken } from "./owner-suite.ts";
import { Site } from "./site.ts";

/** The claims about workers on `engine`, whose server `start` starts. */
export function sagasOn(engine: "redis" | "nats", start: () => Promise<ServerProcess>): void {
  describe.skipIf(needs(engine).skip)(`workers on ${engine}`, { timeout: 20_000 }, () => {
    const place = {} as { site: Site };
    const site = (): Site => place.site;
    beforeAll(async () => {
      place.site = await Site.open(engine, start);
    }, 30_000);
    afterAll(() => place.site?.close());
    killed(site);
    succeeded(site);
    overtaken(site);
    helped(site);
    agree(site);
  });
}

/** What all of them said. */
function agree(site: () => Site): void {
  it("have told everybody the same, and were taken over by one each time", async () => {
    const { workers } = site();
    const states = await site().states();
    const told = workers.flatMap((worker) => worker.all("told"));
    const wrong = told.filter(
      ({ id, how }) => states.get(id) !== (how === "done" ? "done" : "compensated"),
    );
    expect(told.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);

    const won = workers.flatMap((worker) => worker.all("takeover")).filter((one) => one.won);
    const owners = won.map(({ id, from }) => `${id} of ${from}`);
    expect(owners.length).toBeGreaterThan(0);
    expect(owners).toHaveLength(new Set(owners).size);
    expect(workers.flatMap((worker) => worker.all("unhandled"))).toEqual([]);
  });
}
