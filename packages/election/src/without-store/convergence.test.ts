import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { bully } from "./bully-machine.ts";
import type { Algorithm } from "./machine.ts";
import { MachineWorld, TIMING } from "./machines.fixture.ts";
import { ring } from "./ring-machine.ts";

const IDS = ["c", "a", "e", "b", "d", "f"];
const member = fc.constantFrom(...IDS);

/** What may happen to members, one thing after the other. */
const trouble = fc.oneof(
  fc.record({ kind: fc.constant("crash" as const), member }),
  fc.record({ kind: fc.constant("start" as const), member }),
  fc.record({ kind: fc.constant("pause" as const), member }),
  fc.record({ kind: fc.constant("resume" as const), member }),
  fc.record({ kind: fc.constant("split" as const), side: fc.subarray(IDS) }),
  fc.record({ kind: fc.constant("heal" as const) }),
  fc.record({ kind: fc.constant("resign" as const), member }),
);
const script = fc.array(fc.tuple(trouble, fc.integer({ min: 0, max: 1_500 })), { maxLength: 25 });

function suffer<S>(
  world: MachineWorld<S>,
  happening: typeof trouble extends fc.Arbitrary<infer T> ? T : never,
): void {
  switch (happening.kind) {
    case "crash":
      return world.crash(happening.member);
    case "start":
      return world.living().includes(happening.member) ? undefined : world.start(happening.member);
    case "pause":
      return world.pause(happening.member);
    case "resume":
      return world.resume(happening.member);
    case "split": {
      const { side } = happening;
      return world.split(
        side,
        IDS.filter((id) => !side.includes(id)),
      );
    }
    case "heal":
      return world.heal();
    case "resign":
      if (!world.living().includes(happening.member)) return;
      world.feed(happening.member, { kind: "stop", resigns: true });
      return world.crash(happening.member);
  }
}

/** Longest time from the end of all trouble to one hint. */
const CONVERGES_MS = { bully: 2 * TIMING.suspectAfterMs, ring: 8 * TIMING.suspectAfterMs };

const ALGORITHMS = [bully as Algorithm<unknown>, ring as Algorithm<unknown>];

describe.each(ALGORITHMS)("$name", (algorithm) => {
  it("names the greatest living member at all of them, once trouble is over", () => {
    fc.assert(
      fc.property(script, (happenings) => {
        const world = new MachineWorld(algorithm, IDS);
        world.start(...IDS);
        for (const [happening, thenMs] of happenings) {
          suffer(world, happening);
          world.run(thenMs);
        }
        world.heal();
        world.run(CONVERGES_MS[algorithm.name]);
        const greatest = [...world.living()].sort().at(-1);
        expect(new Set(Object.values(world.hints()))).toEqual(
          new Set(greatest === undefined ? [] : [greatest]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("sends no more than heartbeats once all agree", () => {
    const world = new MachineWorld(algorithm, IDS);
    world.start(...IDS);
    world.run(2_000);
    const count = (): number => [...world.sent.values()].reduce((sum, one) => sum + one, 0);
    const before = count();
    world.run(10 * TIMING.heartbeatMs);
    // Bully tells the others; Ring goes all the way round, each hop acknowledged.
    const beat = algorithm.name === "bully" ? IDS.length - 1 : 2 * IDS.length;
    expect(count() - before).toBe(10 * beat);
  });
});
