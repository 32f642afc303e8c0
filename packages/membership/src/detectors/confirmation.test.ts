import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  UNSUSPECTED,
  type Confirmation,
  type ConfirmationEffect,
  type ConfirmationInput,
  type ConfirmationSettings,
  stepConfirmation,
  wakeOfConfirmation,
} from "./confirmation.ts";

const SETTINGS: ConfirmationSettings = {
  probeTimeoutMs: 500,
  relayTimeoutMs: 1_000,
  relays: 3,
  clearedMs: 3_000,
  recoveryBeats: 3,
  recoveryMinGapMs: 500,
  recoveryMaxGapMs: 2_500,
};

/** A peer, and what was done about it. */
class Peer {
  state: Confirmation = UNSUSPECTED;
  readonly done: string[] = [];

  feed(nowMs: number, input: ConfirmationInput): this {
    const { state, effects } = stepConfirmation(SETTINGS, this.state, input, nowMs);
    this.state = state;
    this.done.push(...effects.map(named));
    return this;
  }

  suspected(nowMs: number): this {
    return this.feed(nowMs, { kind: "suspected", probe: 7 });
  }

  tick(nowMs: number): this {
    return this.feed(nowMs, { kind: "tick" });
  }

  beat(nowMs: number): this {
    return this.feed(nowMs, { kind: "beat" });
  }
}

function named(effect: ConfirmationEffect): string {
  return effect.kind === "tell" ? effect.change : `${effect.kind} ${effect.probe}`;
}

describe("a confirmation", () => {
  it("asks directly, then through others, and only then finds a peer down", () => {
    const peer = new Peer().suspected(0);
    expect(peer.done).toEqual(["suspected", "ask 7"]);
    peer.tick(499);
    expect(peer.state).toMatchObject({ kind: "suspect", stage: "asked" });
    peer.tick(500);
    expect(peer.done.slice(2)).toEqual(["ask-through-others 7", "ask 7"]);
    expect(wakeOfConfirmation(peer.state)).toBe(1_500);
    peer.tick(1_499);
    expect(peer.state.kind).toBe("suspect");
    peer.tick(1_500);
    expect(peer.done.at(-1)).toBe("down");
  });

  it("goes on at once when it is known that nobody answers", () => {
    const peer = new Peer().suspected(0).feed(5, { kind: "unanswered", probe: 7 });
    expect(peer.state).toMatchObject({ stage: "asked-through-others", untilMs: 1_005 });
    peer.feed(6, { kind: "unanswered", probe: 7 });
    expect(peer.state).toMatchObject({ stage: "asked-through-others", untilMs: 1_005 });
  });

  it("ends with a heartbeat, and with an answer of either kind", () => {
    expect(new Peer().suspected(0).beat(100).done.at(-1)).toBe("recovered");
    const answered = new Peer().suspected(0).tick(500).feed(600, { kind: "answered", probe: 7 });
    expect(answered.done.at(-1)).toBe("recovered");
    answered.suspected(3_599);
    expect(answered.state.kind).toBe("alive");
    answered.suspected(3_600);
    expect(answered.state.kind).toBe("suspect");
  });

  it("is not ended by the answer to an earlier one", () => {
    const peer = new Peer().suspected(0).feed(1, { kind: "answered", probe: 6 });
    expect(peer.state.kind).toBe("suspect");
  });

  it("convicts nobody while its questions cannot be sent", () => {
    const peer = new Peer().suspected(0);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
      peer.feed(nowMs, { kind: "blind" }).tick(nowMs);
    }
    expect(peer.state.kind).toBe("suspect");
    peer.tick(60_500).tick(61_000).tick(61_500).tick(62_000).tick(62_500);
    expect(peer.state.kind).toBe("down");
  });

  it("hears what queued up before it judges, when its tick comes late (case 28)", () => {
    const peer = new Peer().suspected(0).tick(500);
    peer.tick(8_000);
    expect(peer.state).toMatchObject({ kind: "suspect", untilMs: 8_500 });
    peer.feed(8_001, { kind: "answered", probe: 7 });
    expect(peer.state.kind).toBe("alive");
  });
});

describe("recovery", () => {
  const down = (): Peer => new Peer().suspected(0).tick(500).tick(1_500);

  it("takes three good heartbeats", () => {
    const peer = down().beat(9_000).beat(10_000);
    expect(peer.state.kind).toBe("down");
    expect(peer.beat(11_000).done.at(-1)).toBe("recovered");
  });

  it("counts what queued up as one", () => {
    const peer = down();
    for (let queued = 0; queued < 9; queued++) peer.beat(9_000);
    expect(peer.state.kind).toBe("down");
  });

  it("begins anew after a gap: a peer that flickers stays down", () => {
    const peer = down();
    for (let nowMs = 9_000; nowMs < 90_000; nowMs += 4_000) peer.beat(nowMs).beat(nowMs + 1_000);
    expect(peer.state.kind).toBe("down");
  });

  it("does not follow a goodbye, whatever comes late (case 36)", () => {
    const peer = new Peer().feed(0, { kind: "goodbye" });
    expect(peer.done).toEqual(["left"]);
    peer.beat(1).beat(1_000).beat(2_000).suspected(3_000).feed(4_000, { kind: "goodbye" });
    expect([peer.state.kind, peer.done]).toEqual(["left", ["left"]]);
  });
});

describe("any inputs in any order", () => {
  const input = fc.oneof(
    fc.record({ kind: fc.constantFrom("beat" as const, "tick" as const, "blind" as const) }),
    fc.record({
      kind: fc.constantFrom("suspected" as const, "answered" as const, "unanswered" as const),
      probe: fc.nat({ max: 2 }),
    }),
  );

  it("find nobody down without a question directly and one through others before", () => {
    const history = fc.array(fc.tuple(input, fc.nat({ max: 1_200 })), { maxLength: 30 });
    fc.assert(
      fc.property(history, (steps) => {
        const peer = new Peer();
        let nowMs = 0;
        for (const [one, ms] of steps) peer.feed((nowMs += ms), one);
        const text = peer.done.map((what) => what.replace(/ \d/, "")).join(" ");
        const verdict = /(suspected( ask)+ ask-through-others( ask)+ down)/g;
        expect(text.replaceAll(verdict, "")).not.toContain("down");
        expect(text).not.toMatch(/(^|recovered )(down|recovered)/);
      }),
      { numRuns: 200 },
    );
  });
});
