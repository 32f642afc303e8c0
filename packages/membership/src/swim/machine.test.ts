/**
 * One machine, fed by hand: what it answers, and what it believes.
 */
import { seededRandom } from "@quorate/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { SwimEffect } from "./ground.ts";
import { SwimMachine } from "./machine.ts";
import { MAX_INCARNATION, type News, readNews } from "./news.ts";
import { encodePacket, MAX_PACKET_BYTES, SEAL_BYTES, type SwimMessage } from "./packet.ts";
import { SWIM_TIMINGS } from "./timing.ts";

const WALL_MS = 1_767_225_600_000;
const GOSSIP: SwimMessage = { kind: "gossip", seq: 1 };

/** A machine of member `a` that has met `b` to `e`, and a hand to feed it. */
class Hand {
  readonly machine: SwimMachine;
  nowMs = 0;

  constructor(seeds: readonly string[] = []) {
    const random = seededRandom(3);
    const own = { id: "a", group: 7, address: "at-a", data: "", incarnation: 10, seeds };
    const timing = SWIM_TIMINGS.lan;
    this.machine = new SwimMachine({ ...own, timing, maxMembers: 100, maxAheadMs: 1_000 }, () =>
      random.next(),
    );
    this.machine.step({ kind: "start" }, 0, WALL_MS);
    for (const id of ["b", "c", "d", "e"]) this.news({ kind: "alive", id, incarnation: 5 });
  }

  hear(
    message: SwimMessage,
    news: readonly Partial<News>[] = [],
    from = "b",
  ): readonly SwimEffect[] {
    const all = news.map((one): News => {
      const base = { kind: "alive", id: "b", incarnation: 5, data: "", by: "" } as const;
      return { ...base, address: `at-${one.id ?? "b"}`, ...one };
    });
    const packet = { from: { group: 7, id: from, address: `at-${from}` }, message, news: all };
    return this.machine.step({ kind: "packet", packet }, this.nowMs, WALL_MS + this.nowMs);
  }

  news(news: Partial<News>, from = "b"): readonly SwimEffect[] {
    return this.hear(GOSSIP, [news], from);
  }

  due(): readonly SwimEffect[] {
    return this.machine.step({ kind: "due" }, this.nowMs, WALL_MS + this.nowMs);
  }

  /** Lets time pass as a timer would, until `ms` from now. */
  pass(ms: number): SwimEffect[] {
    const endMs = this.nowMs + ms;
    const effects: SwimEffect[] = [];
    while (this.machine.wakeMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.machine.wakeMs);
      effects.push(...this.due());
    }
    this.nowMs = endMs;
    return effects;
  }

  state(id: string): string | undefined {
    return this.machine.member(id)?.state;
  }
}

function sent(
  effects: readonly SwimEffect[],
): { to: string; message: SwimMessage; news: News[] }[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== "send") return [];
    const news = effect.news.flatMap((piece) => readNews(Buffer.from(piece), 0) ?? []);
    return [{ to: effect.to, message: effect.message, news }];
  });
}

function told(effects: readonly SwimEffect[]): string[] {
  return effects.flatMap((effect) =>
    effect.kind === "changed" ? [`${effect.change.kind} ${effect.change.member.id}`] : [],
  );
}

describe("precedence", () => {
  const ORDER = ["alive", "suspect", "down", "left"] as const;
  const cases = ORDER.flatMap((now) =>
    ORDER.flatMap((news) => ([-1, 0, 1] as const).map((step) => ({ now, news, step }))),
  );

  it.each(cases)("$news at $step of what is held for $now", ({ now, news, step }) => {
    const hand = new Hand();
    hand.news({ kind: now, id: "c", incarnation: 20, by: "d" });
    hand.news({ kind: news, id: "c", incarnation: 20 + step, by: "e" });
    const rank = (state: (typeof ORDER)[number]): number => ORDER.indexOf(state);
    // Those that are gone stay gone by anything but a sign of newer life.
    const keepsDeath = rank(now) >= 2 && news === "down";
    const wins = step === 1 || (step === 0 && rank(news) > rank(now));
    const expected = wins && !(keepsDeath && now === "left") ? news : now;
    expect(hand.state("c")).toBe(expected);
  });

  it("a refutation at the moment of the verdict: alive, whichever comes first (34)", () => {
    for (const verdictFirst of [true, false]) {
      const hand = new Hand();
      hand.news({ kind: "suspect", id: "c", incarnation: 5, by: "d" });
      hand.news({ kind: "suspect", id: "c", incarnation: 5, by: "e" });
      hand.news({ kind: "suspect", id: "c", incarnation: 5, by: "b" });
      hand.pass(3_999);
      hand.nowMs += 1;
      const refute = (): string[] => told(hand.news({ kind: "alive", id: "c", incarnation: 6 }));
      const first = verdictFirst ? told(hand.due()) : refute();
      const second = verdictFirst ? refute() : told(hand.due());
      expect([...first, ...second]).toEqual(
        verdictFirst ? ["down c", "recovered c"] : ["recovered c"],
      );
      hand.pass(60_000);
      expect(hand.machine.member("c")?.incarnation).toBe(6);
    }
  });

  it("a death out of another's table is a suspicion, out of gossip it is one", () => {
    const hand = new Hand();
    hand.hear({ kind: "state", seq: 1, wants: false }, [{ kind: "down", id: "c", by: "d" }]);
    expect(hand.state("c")).toBe("suspect");
    hand.news({ kind: "down", id: "d", by: "e" });
    expect(hand.state("d")).toBe("down");
  });
});

describe("suspicion", () => {
  const verdictMs = (accusers: readonly string[]): number => {
    const hand = new Hand();
    for (const by of accusers) hand.news({ kind: "suspect", id: "c", by });
    for (; hand.state("c") === "suspect"; hand.nowMs += 10) {
      // All answer, or the member itself would join the accusers.
      for (const { message } of sent(hand.due())) {
        if (message.kind !== "ping") continue;
        const { seq, target: subject } = message;
        hand.hear({ kind: "ack", seq, subject }, [], subject);
      }
    }
    return hand.nowMs;
  };

  it("lasts the shorter the more members share it, each counted once", () => {
    const alone = verdictMs(["d"]);
    expect(alone).toBeGreaterThanOrEqual(24_000);
    expect(verdictMs(["d", "d", "d"])).toBe(alone);
    const two = verdictMs(["d", "e"]);
    expect(two).toBeLessThan(alone);
    expect(verdictMs(["d", "e", "b"])).toBeLessThan(two);
    expect(verdictMs(["d", "e", "b"])).toBeGreaterThanOrEqual(4_000);
  });

  it("of one that nobody knows is kept, told on once, and ends like any other", () => {
    const hand = new Hand();
    expect(told(hand.news({ kind: "suspect", id: "z", address: "", by: "d" }))).toEqual([
      "suspected z",
    ]);
    const toldOn = sent(hand.pass(2_000)).filter(({ news }) => news.some(({ id }) => id === "z"));
    expect(toldOn.length).toBeGreaterThan(0);
    hand.pass(60_000);
    expect(hand.state("z")).toBe("down");
  });

  it("tells the suspect first, in the ping itself and in every answer (buddy system)", () => {
    const hand = new Hand();
    hand.news({ kind: "suspect", id: "c", by: "d" });
    const ack = sent(hand.hear({ kind: "ping", seq: 9, target: "a" }, [], "c"));
    expect(ack[0]).toMatchObject({ to: "at-c", message: { kind: "ack", seq: 9 } });
    expect(ack[0]?.news[0]).toMatchObject({ kind: "suspect", id: "c" });
    const pings = sent(hand.pass(5_000)).filter(({ message, to }) => {
      return message.kind === "ping" && to === "at-c";
    });
    expect(pings.length).toBeGreaterThan(0);
    for (const { news } of pings) expect(news[0]).toMatchObject({ kind: "suspect", id: "c" });
  });
});

describe("itself", () => {
  it.each(["suspect", "down", "left"] as const)("refutes that it is %s", (kind) => {
    const hand = new Hand();
    const effects = hand.news({ kind, id: "a", incarnation: 40, by: "b" }, "c");
    expect(effects).toContainEqual({ kind: "incarnation", incarnation: 41, accused: true });
    expect(sent(effects)[0]).toMatchObject({
      to: "at-c",
      news: [{ kind: "alive", incarnation: 41 }],
    });
    expect(hand.machine.health).toBe(1);
  });

  it("repeats an old refutation to whoever missed it, and keeps its incarnation", () => {
    const hand = new Hand();
    const effects = hand.news({ kind: "suspect", id: "a", incarnation: 3, by: "b" }, "c");
    expect(sent(effects)).toMatchObject([
      { to: "at-c", news: [{ kind: "alive", incarnation: 10 }] },
    ]);
    expect(hand.machine.self.incarnation).toBe(10);
  });

  it("does not object while it leaves, and is silent after", () => {
    const hand = new Hand();
    const goodbye = sent(hand.machine.step({ kind: "leave" }, hand.nowMs, WALL_MS));
    expect(goodbye.length).toBe(4);
    for (const { news } of goodbye) expect(news[0]).toMatchObject({ kind: "left", id: "a" });
    hand.news({ kind: "down", id: "a", incarnation: 90, by: "c" });
    expect(hand.machine.self).toMatchObject({ state: "left", incarnation: 11 });
    expect(hand.pass(1_000).at(-1)).toEqual({ kind: "departed" });
    expect(hand.hear({ kind: "ping", seq: 1, target: "a" })).toEqual([]);
    expect(hand.machine.wakeMs).toBe(Infinity);
  });

  it("believes no incarnation far above the clock", () => {
    const hand = new Hand();
    for (const incarnation of [WALL_MS + 1_001, MAX_INCARNATION]) {
      const effects = hand.news({ kind: "down", id: "a", incarnation, by: "c" });
      expect(effects).toContainEqual({ kind: "refused", why: "incarnation" });
    }
    expect(hand.machine.self.incarnation).toBe(10);
  });
});

describe("probes", () => {
  it("ask directly, then through three others and directly again, then accuse", () => {
    const hand = new Hand();
    hand.pass(100);
    let ping: SwimMessage | undefined;
    while (ping === undefined) {
      hand.nowMs = hand.machine.wakeMs;
      ping = sent(hand.due()).find(({ message }) => message.kind === "ping")?.message;
    }
    const askedMs = hand.nowMs;
    hand.nowMs = askedMs + 500;
    const second = sent(hand.due()).filter(({ message }) => message.kind.startsWith("ping"));
    expect(second.map(({ message }) => message.kind)).toEqual([
      ...Array(3).fill("ping-req"),
      "ping",
    ]);
    hand.nowMs = askedMs + 1_000;
    expect(told(hand.due())).toEqual([`suspected ${(ping as { target: string }).target}`]);
    // Three relays said nothing either: perhaps it is us.
    expect(hand.machine.health).toBe(3);
  });

  it("are not answered for a namesake of the address", () => {
    const hand = new Hand();
    expect(sent(hand.hear({ kind: "ping", seq: 1, target: "somebody else" }))).toEqual([]);
  });

  it("for another are passed on, and a nack comes before its time is over", () => {
    const hand = new Hand();
    const ask: SwimMessage = { kind: "ping-req", seq: 70, target: "d", address: "at-d" };
    const [asked] = sent(hand.hear(ask, [], "c"));
    expect(asked).toMatchObject({ to: "at-d", message: { kind: "ping", target: "d" } });
    const nacks = sent(hand.pass(400)).filter(({ message }) => message.kind === "nack");
    expect(nacks).toMatchObject([{ to: "at-c", message: { seq: 70 } }]);
    const seq = asked?.message.seq ?? 0;
    const acks = sent(hand.hear({ kind: "ack", seq, subject: "d" }, [], "d"));
    expect(acks).toMatchObject([{ to: "at-c", message: { kind: "ack", seq: 70, subject: "d" } }]);
  });

  it("that came due during a standstill wait for what is still to be read", () => {
    const hand = new Hand();
    hand.pass(1_000);
    hand.nowMs += 8_000;
    const effects = hand.due();
    expect(effects.find(({ kind }) => kind === "paused")).toBeDefined();
    expect(told(effects)).toEqual([]);
    expect(hand.machine.health).toBeGreaterThan(0);
  });
});

describe("tables", () => {
  it("are sent only to who asks with another digest, and asked back only once", () => {
    const hand = new Hand();
    const digest = { count: 9, low: 1, high: 2 };
    const table = sent(hand.hear({ kind: "sync", seq: 4, digest }));
    expect(table).toHaveLength(1);
    expect(table[0]?.message).toEqual({ kind: "state", seq: 4, wants: true });
    expect(table[0]?.news.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "d", "e"]);
    expect(sent(hand.hear({ kind: "state", seq: 99, wants: true }))).toEqual([]);
  });

  it("of the same content are answered by a word", () => {
    const one = new Hand(["at-x"]);
    const asked = sent(one.machine.step({ kind: "due" }, 40_000, WALL_MS)).concat(
      sent(one.pass(60_000)),
    );
    const sync = asked.findLast(({ message }) => message.kind === "sync");
    expect(sync?.news[0]).toMatchObject({ kind: "alive", id: "a" });
  });
});

describe("whatever is said to it", () => {
  const id = fc.constantFrom("a", "b", "c", "x", "y", "__proto__");
  const incarnation = fc.constantFrom(0, 5, 6, 11, WALL_MS, MAX_INCARNATION);
  const news = fc.record({
    kind: fc.constantFrom("alive" as const, "suspect" as const, "down" as const, "left" as const),
    id,
    incarnation,
    address: fc.constantFrom("at-a", "at-b", "z".repeat(128)),
    data: fc.constantFrom("", "d".repeat(512)),
    by: id,
  });
  const seq = fc.nat(20);
  const digest = fc.constant({ count: 1, low: 0, high: 0 });
  const message = fc.oneof(
    fc.record({ kind: fc.constantFrom("gossip" as const, "nack" as const), seq }),
    fc.record({ kind: fc.constant("ping" as const), seq, target: id }),
    fc.record({ kind: fc.constant("ping-req" as const), seq, target: id, address: id }),
    fc.record({ kind: fc.constant("ack" as const), seq, subject: id }),
    fc.record({ kind: fc.constant("sync" as const), seq, digest }),
    fc.record({ kind: fc.constant("state" as const), seq, wants: fc.boolean() }),
  );
  const turn = fc.record({
    message,
    news: fc.array(news, { maxLength: 4 }),
    from: id,
    passMs: fc.constantFrom(0, 1, 700, 9_000),
  });

  it("stays alive, within its bounds, and makes packets that fit", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 20 }), (turns) => {
        const hand = new Hand();
        const effects: SwimEffect[] = [];
        for (const { message, news, from, passMs } of turns) {
          effects.push(...hand.hear(message, news, from), ...hand.pass(passMs));
          expect(hand.machine.self.state).toBe("alive");
          expect(hand.machine.wakeMs).toBeGreaterThan(hand.nowMs - 1);
        }
        for (const effect of effects) {
          if (effect.kind !== "send") continue;
          const packet = encodePacket(hand.machine.sender, effect.message, effect.news);
          expect(packet.length).toBeLessThanOrEqual(MAX_PACKET_BYTES - SEAL_BYTES);
        }
      }),
      { numRuns: 20 },
    );
  });
});
