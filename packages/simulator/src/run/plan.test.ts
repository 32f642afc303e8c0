import { describe, expect, it } from "vitest";

import { Kernel } from "../kernel/kernel.ts";
import { pump } from "../kernel/pump.fixture.ts";
import { describeFault, type Fault } from "../kernel/faults.ts";
import { parseSeed, Stream } from "../kernel/seed.ts";
import { offerNetworkFaults } from "./network-faults.ts";
import { offerNodeFaults } from "./node-faults.ts";
import { drawPlan } from "./plan.ts";
import { type Profile, profileOf } from "./profiles.ts";

function world(): Kernel {
  const kernel = new Kernel({ seed: 1 });
  for (const name of ["a", "b"]) offerNodeFaults(kernel, kernel.addNode(name, "process"));
  offerNetworkFaults(kernel);
  return kernel;
}

const planOf = (profile: Profile, seed: number, durationMs = 60_000): readonly Fault[] =>
  drawPlan(profile, world().faults.offers, durationMs, new Stream(parseSeed(seed), "plan"));

const kindsOf = (plan: readonly Fault[]): Set<string> => new Set(plan.map(({ kind }) => kind));

describe("a drawn plan", () => {
  it("lies within the run, in order, in whole milliseconds", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const plan = planOf(profileOf("harsh"), seed);
      const times = plan.map(({ atMs }) => atMs);
      expect(times.every((ms) => Number.isInteger(ms) && ms >= 0 && ms < 60_000)).toBe(true);
      expect(times).toEqual(times.toSorted((one, other) => one - other));
    }
  });

  it("keeps apart what a profile keeps apart, and yet has each of them in some seed", () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 100; seed++) {
      const kinds = kindsOf(planOf(profileOf("harsh"), seed));
      expect(kinds.has("suspend") && kinds.has("clock-jump"), `seed ${seed}`).toBe(false);
      for (const kind of kinds) seen.add(kind);
    }
    expect([...seen]).toEqual(expect.arrayContaining(["suspend", "clock-jump"]));
  });

  it("has other kinds too where the profile says so, but for those that it excludes", () => {
    const profile: Profile = {
      name: "others",
      swarm: 1,
      faults: {},
      others: { everyMs: 2_000 },
      never: ["kill"],
    };
    const kinds = kindsOf(planOf(profile, 1));
    expect(kinds.has("pause") && kinds.has("partition")).toBe(true);
    expect(kinds.has("kill")).toBe(false);
  });

  it("keeps a kind's faults where another kind is switched off", () => {
    const profile: Profile = { name: "p", swarm: 1, faults: { pause: { everyMs: 3_000 } } };
    const pauses = (one: Profile) => planOf(one, 9).filter(({ kind }) => kind === "pause");
    expect(pauses(profile).length).toBeGreaterThan(3);
    expect(planOf({ ...profile, never: ["pause"] }, 9)).toEqual([]);
  });
});

describe("the faults of a node", () => {
  it("do to it what they say, for as long as they say", () => {
    const kernel = world();
    const node = kernel.node("a");
    const begin = (fault: Omit<Fault, "atMs" | "target">): void =>
      kernel.faults.begin({ atMs: 0, target: "a", ...fault });
    begin({ kind: "kill", forMs: 100, values: { disk: "wipe", manner: "vanishes" } });
    node.disk.set("f", Uint8Array.of(1));
    expect(node.state).toBe("dead");
    pump(kernel, 101);
    expect([node.state, node.incarnation, node.disk.size]).toEqual(["running", 2, 0]);
    begin({ kind: "pause", forMs: 50 });
    expect(node.state).toBe("paused");
    pump(kernel, 200);
    begin({ kind: "suspend", forMs: 50 });
    expect(node.state).toBe("suspended");
    pump(kernel, 300);
    expect(node.state).toBe("running");
    begin({ kind: "clock-rate", forMs: 50, values: { rate: 1.004 } });
    expect(node.clock.rate).toBe(1.004);
    pump(kernel, 400);
    expect(node.clock.rate).toBe(1);
    const wallMs = node.runtime.time.wallMs();
    begin({ kind: "clock-jump", values: { jumpMs: -5_000 } });
    expect(node.runtime.time.wallMs()).toBe(wallMs - 5_000);
    begin({ kind: "pause-before-send", values: { pauseMs: 30 } });
    node.send(() => {});
    expect(node.state).toBe("paused");
  });

  it("end when all heals, whoever is dead stands up, and each is counted", () => {
    const kernel = world();
    kernel.faults.begin({ atMs: 0, kind: "kill", target: "a", forMs: 1e9 });
    kernel.faults.begin({ atMs: 0, kind: "pause", target: "b", forMs: 1e9 });
    kernel.heal();
    expect([...kernel.nodes.values()].map(({ state }) => state)).toEqual(["running", "running"]);
    expect(kernel.witness.counts.get("fault.kill")).toBe(1);
    pump(kernel, 2e9);
    // The end of the kill that healing forestalled restarts nobody.
    expect(kernel.node("a").incarnation).toBe(2);
  });
});

describe("a partition", () => {
  it("cuts both ways, out or in; resets after a while, if it does; and ends", () => {
    for (const direction of ["both", "out", "in"]) {
      const kernel = world();
      const [a, b] = [kernel.node("a"), kernel.node("b")];
      const wire = kernel.network.wire(a, b);
      const heard: string[] = [];
      wire.onReset((end) => heard.push(`${end} reset`));
      const talk = (): void => {
        wire.toStore(() => heard.push("out"));
        wire.toProcess(() => heard.push("in"));
      };
      const values = { side: ["a"], direction, resetsAfterMs: 500 };
      kernel.faults.begin({ atMs: 0, kind: "partition", target: "network", forMs: 1_000, values });
      talk();
      pump(kernel, 400);
      expect(heard).toEqual({ both: [], out: ["in"], in: ["out"] }[direction]);
      pump(kernel, 900);
      const resets = ["process reset", "store reset"];
      expect(heard).toEqual(expect.arrayContaining(resets));
      pump(kernel, 1_100);
      heard.length = 0;
      talk();
      pump(kernel, 1_200);
      expect(heard.toSorted()).toEqual(["in", "out"]);
    }
  });

  it("that ended does not reset any more", () => {
    const kernel = world();
    const heard: string[] = [];
    kernel.network.wire(kernel.node("a"), kernel.node("b")).onReset((end) => heard.push(end));
    const values = { side: ["a"], direction: "both", resetsAfterMs: 500 };
    kernel.faults.begin({ atMs: 0, kind: "partition", target: "network", forMs: 100, values });
    pump(kernel, 2_000);
    expect(heard).toEqual([]);
  });
});

describe("a fault on one line", () => {
  it("says what, to whom, how long and how badly", () => {
    const fault: Fault = {
      atMs: 5,
      kind: "partition",
      target: "network",
      forMs: 1_234,
      values: { side: ["a", "b"], direction: "out", share: 0.123456 },
    };
    expect(describeFault(fault)).toBe(
      "partition of network for 1234 ms (side a+b, direction out, share 0.123)",
    );
  });
});
