/**
 * Workers that live, and are no longer the owners; and operators who get in between.
 */
import { expect, it } from "vitest";

import type { HeldCall } from "./shop.ts";
import { LEASE_MS, RECOVERED_MS, serve, type Site, sleep } from "./site.ts";
import type { Verb } from "./protocol.ts";
import type { Worker } from "./workers.ts";

const WATCHED = "watched";
const RACES = 60;
/** A verb is heard by a nudge, not by a scan. */
const HEARD_MS = 2_000;

function run(worker: Worker, id: string, refuses = ""): void {
  worker.order({ kind: "run", definition: WATCHED, sagas: [{ id, input: { refuses } }] });
}

/** A saga that hangs in `step`. */
async function hanging(site: Site, id: string, step: string, refuses = ""): Promise<HeldCall> {
  const held = site.shop.hold(`${id}/${step}/do`);
  run(site.owner, id, refuses);
  return held;
}

async function problems(site: Site, ids: readonly string[]): Promise<string[]> {
  const states = await site.states();
  const found = await Promise.all(ids.map((id) => site.problemOf(id, states.get(id))));
  return found.filter((problem) => problem !== "");
}

/** The claims about owners that are stopped, and cut off. */
export function overtaken(site: () => Site): void {
  it("[14] stopped beyond their lease run nothing more, and are told the end", async () => {
    const { owner, other, shop } = site();
    serve([owner, other], { name: WATCHED, pivot: false });
    const ids = ["asked", "turned", "writing"];
    // Its write is on its way when it is stopped.
    const halts = [{ id: "writing", after: 4, before: "next" as const }];
    owner.order({ kind: "halt", halts });
    run(owner, "writing");
    const asked = await hanging(site(), "asked", "charge");
    const turned = await hanging(site(), "turned", "ship", "ship");
    await owner.hears("halted", ({ id }) => id === "writing");

    owner.process.kill("SIGSTOP");
    run(other, "asked");
    run(other, "turned", "ship");
    run(other, "writing");
    const told = await other.hearsOfAll("told", ids);
    expect(told.map(({ how }) => how)).toEqual(["done", "SAGA_COMPENSATED", "done"]);

    const mark = shop.calls.length;
    // Its requests arrive at last, and the answers are the first that it reads.
    asked.land();
    turned.land();
    owner.process.kill("SIGCONT");
    for (const id of ["asked", "turned"]) {
      const { code } = await owner.hears("aborted", (said) => said.id === id);
      expect([id, code]).toEqual([id, "OVERTAKEN"]);
    }
    owner.order({ kind: "release", id: "writing" });
    const trouble = await owner.hears("trouble", ({ id }) => id === "writing");
    expect(trouble.code).toBe("OVERTAKEN");
    expect(await owner.hearsOfAll("told", ids)).toEqual(told);
    expect(shop.calls.slice(mark).filter(({ from }) => from === owner.name)).toEqual([]);
    expect(await problems(site(), ids)).toEqual([]);
    const [before = 0, after = 0] = shop.calls
      .filter(({ key }) => key === "asked/charge/do")
      .map(({ fencingToken }) => fencingToken);
    expect(after).toBeGreaterThan(before);
  });

  it("[15] that only lost their link to the log stop by their own clock", async () => {
    const { owner, other, shop, proxy } = site();
    const held = await hanging(site(), "cut", "charge");
    proxy.refuse(true);
    proxy.cutAll();
    const cutMs = performance.now();
    const aborted = owner.hears("aborted", ({ id }) => id === "cut").then(() => performance.now());
    run(other, "cut");
    const [told] = await other.hearsOfAll("told", ["cut"]);
    expect(performance.now() - cutMs).toBeLessThan(RECOVERED_MS);
    expect(told?.how).toBe("done");
    expect((await aborted) - cutMs).toBeLessThan(LEASE_MS + 500);
    const mark = shop.calls.length;
    held.land();
    await sleep(300); // Time to do wrong.
    proxy.refuse(false);
    expect(await owner.hearsOfAll("told", ["cut"])).toEqual([told]);
    expect(shop.calls.slice(mark).filter(({ from }) => from === owner.name)).toEqual([]);
    expect(await problems(site(), ["cut"])).toEqual([]);
  });
}

/** Cancels `id` while its last step answers. What the operator was told, and how it ended. */
async function race(site: Site, id: string, index: number): Promise<string> {
  const { owner, other } = site;
  const held = await hanging(site, id, "ship");
  const cancel = (): void => other.order({ kind: "verb", id, verb: "cancel" });
  if (index % 4 === 0) {
    cancel();
    await other.hearsOfAll("verb", [id]);
    held.land();
  } else if (index % 4 === 1) {
    held.land();
    await owner.hearsOfAll("told", [id]);
    cancel();
  } else {
    // Nobody can say who is first.
    cancel();
    setTimeout(() => held.land(), index / 4);
  }
  const [told] = await owner.hearsOfAll("told", [id]);
  const [said] = await other.hearsOfAll("verb", [id]);
  return `${said?.code}, ${told?.how}`;
}

/** The claims about operators. */
export function helped(site: () => Site): void {
  it(`[25] are cancelled or done, never both, in ${RACES} races with the last step`, async () => {
    const ids = Array.from({ length: RACES }, (_, index) => `race-${index}`);
    const ends = new Set(await Promise.all(ids.map((id, index) => race(site(), id, index))));
    expect([...ends].sort()).toEqual(["WRONG_STATE, done", "ok, SAGA_COMPENSATED"]);
    expect(await problems(site(), ids)).toEqual([]);
  });

  it("tell the step at hand when they are cancelled, and undo it when it answered", async () => {
    const { owner, other, shop } = site();
    const held = await hanging(site(), "cancelled", "charge");
    const saidMs = performance.now();
    other.order({ kind: "verb", id: "cancelled", verb: "cancel" });
    await owner.hears("aborted", ({ id }) => id === "cancelled");
    expect(performance.now() - saidMs).toBeLessThan(HEARD_MS);
    // It may still happen, so its answer is waited for.
    await sleep(100);
    expect(shop.calls.some(({ key }) => key === "cancelled/charge/undo")).toBe(false);
    held.land();
    const [told] = await owner.hearsOfAll("told", ["cancelled"]);
    expect(told?.how).toBe("SAGA_COMPENSATED");
    expect(await problems(site(), ["cancelled"])).toEqual([]);
  });

  it.each<{ verb: Verb; how: string; standing: readonly string[] }>([
    { verb: "resolve", how: "done", standing: ["reserve", "ship"] },
    { verb: "skip", how: "done", standing: ["reserve", "ship"] },
    { verb: "force-done", how: "done", standing: ["reserve"] },
    { verb: "force-compensated", how: "SAGA_COMPENSATED", standing: ["reserve"] },
  ])("[35] that hang hear of $verb from another process at once", async (expected) => {
    const { owner, other, shop } = site();
    const { verb, how, standing } = expected;
    const id = `hangs-${verb}`;
    await hanging(site(), id, "charge");
    const saidMs = performance.now();
    other.order({ kind: "verb", id, verb });
    const [told] = await owner.hearsOfAll("told", [id]);
    expect(performance.now() - saidMs).toBeLessThan(HEARD_MS);
    expect(told?.how).toBe(how);
    expect(shop.standing(id)).toEqual(standing);
    const [said] = await other.hearsOfAll("verb", [id]);
    expect(said?.code).toBe("ok");
  });
}
