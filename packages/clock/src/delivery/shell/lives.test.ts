/** Which lives of which nodes are heard. */
import { describe, expect, it } from "vitest";

import { Lives } from "./lives.ts";

describe("lives", () => {
  it("are learnt by hearing them, of the nodes that were named", () => {
    const lives = new Lives(["a", "b"], 200);
    expect(lives.heard("a#1", 0)).toBe(true);
    expect(lives.heard("a#1", 1)).toBe(false);
    expect(lives.heard("x#1", 1)).toBe(false);
    expect(lives.heard("a", 1)).toBe(false);
    expect(lives.members).toEqual(["a#1"]);
  });

  it("an old life is forgotten in its silence, the last one of a node never", () => {
    const lives = new Lives(["a", "b"], 200);
    lives.heard("a#1", 0);
    lives.heard("b#1", 0);
    lives.heard("a#2", 1_000);
    expect(lives.forgetSilent(30_000)).toBe(false);
    expect(lives.forgetSilent(30_001)).toBe(true);
    expect(lives.members).toEqual(["a#2", "b#1"]);
    expect(lives.forgetSilent(1_000_000)).toBe(false);
  });

  it("wait longer for slow digests", () => {
    const lives = new Lives(["a"], 10_000);
    lives.heard("a#1", 0);
    lives.heard("a#2", 400_000);
    expect(lives.forgetSilent(500_000)).toBe(false);
    expect(lives.forgetSilent(500_001)).toBe(true);
  });

  it("of one node are four at most: a node that restarts all the time fills nothing", () => {
    const lives = new Lives(["a"], 200);
    for (let boot = 0; boot < 100; boot++) lives.heard(`a#${boot}`, boot);
    expect(lives.members).toEqual(["a#96", "a#97", "a#98", "a#99"]);
  });

  it("of a node that is not named any more are gone", () => {
    const lives = new Lives(["a", "b"], 200);
    lives.heard("a#1", 0);
    lives.heard("b#1", 0);
    lives.setNodes(["b"]);
    expect(lives.members).toEqual(["b#1"]);
    expect(lives.heard("a#1", 1)).toBe(false);
  });
});
