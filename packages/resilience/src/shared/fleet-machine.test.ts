/**
 * The machine against a model of the store, in every order in which things may happen.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Evidence } from "./evidence.ts";
import { type FleetEffect, type FleetInput, FleetMachine, type Stored } from "./fleet-machine.ts";
import type { Moment } from "./moment.ts";
import { readSettings } from "./settings.ts";

const SETTINGS = readSettings(
  { publishMs: 100, resetMs: 200, maxResetMs: 800, probeLeaseMs: 500, rampMs: 400, minCalls: 4 },
  1,
);
const HEALTHY: Evidence = { tally: { ok: 50, faults: 0, slow: 0 }, state: "closed" };
const SICK: Evidence = { tally: { ok: 0, faults: 50, slow: 0 }, state: "open" };
const IDLE: Evidence = { tally: { ok: 0, faults: 0, slow: 0 }, state: "closed" };

/** What befalls one instance. */
type Blow =
  | "watch"
  | "act"
  | "answer"
  | "lose"
  | "ask"
  | "pass"
  | "fail"
  | "cut"
  | "mend"
  | "sicken"
  | "heal"
  | "epidemic"
  | "arrive"
  | "wait"
  | "rest";
const BLOWS: readonly Blow[] = [
  ...(["watch", "watch", "watch", "act", "act", "act", "answer", "answer", "answer"] as const),
  ...(["lose", "ask", "ask", "pass", "fail", "cut", "mend", "mend", "sicken", "heal"] as const),
  ...(["wait", "wait", "wait", "rest", "arrive", "arrive", "arrive", "pass", "epidemic"] as const),
];

/** One instance, with what is on its way to and from the store. */
class Seat {
  readonly machine: FleetMachine;
  own: Evidence = HEALTHY;
  isCut = true;
  readonly told: FleetInput[] = [];
  readonly effects: { readonly effect: FleetEffect; readonly sentMs: number }[] = [];
  readonly answers: FleetInput[] = [];
  publishedMs = -Infinity;
  newest = 0;

  readonly name: string;

  constructor(name: string) {
    this.name = name;
    this.machine = new FleetMachine(SETTINGS, name);
  }
}

/** Instances, the store, and time. */
class Model {
  readonly seats: readonly Seat[] = ["a", "b", "c", "d"].map((name) => new Seat(name));
  nowMs = 0;
  #revision = 0;
  stored: Stored | undefined = undefined;
  #lease: { readonly owner: string; readonly token: number; readonly untilMs: number } | undefined;
  readonly written: string[] = [];

  step(seat: Seat, input: FleetInput, chance = 0.5): void {
    const { nowMs } = this;
    const moment: Moment = { nowMs, wallMs: nowMs, chance, own: seat.own };
    for (const effect of seat.machine.step(input, moment)) {
      if (effect.kind === "publish") {
        expect(nowMs - seat.publishedMs).toBeGreaterThanOrEqual(SETTINGS.publishMs);
        seat.publishedMs = nowMs;
      }
      if (effect.kind === "write") {
        expect(seat.machine.isConnected).toBe(true);
        expect(seat.effects.some((one) => one.effect.kind === "write")).toBe(false);
      }
      seat.effects.push({ effect, sentMs: nowMs });
    }
    expect(seat.machine.epoch).toBeGreaterThanOrEqual(seat.newest);
    seat.newest = seat.machine.epoch;
    this.#checkProbers();
  }

  blow(seat: Seat, blow: Blow): void {
    if (blow === "watch") this.#deliver(seat, seat.told);
    else if (blow === "answer") this.#deliver(seat, seat.answers);
    else if (blow === "act") this.#carryOut(seat);
    else if (blow === "lose") this.#lose(seat);
    else if (blow === "ask" && seat.machine.isProbeDue(this.nowMs))
      this.step(seat, { kind: "asked" });
    else if (blow === "pass" || blow === "fail") this.#probe(seat, blow === "pass");
    else if (blow === "cut" && !seat.isCut) this.cut(seat);
    else if (blow === "mend" && seat.isCut) this.mend(seat);
    else if (blow === "sicken" || blow === "heal") {
      seat.own = blow === "heal" ? HEALTHY : SICK;
      this.step(seat, { kind: "stirred" });
    } else if (blow === "arrive") this.settle();
    else if (blow === "epidemic") {
      for (const one of this.seats) this.blow(one, "sicken");
    } else if (blow === "wait" || blow === "rest") this.wait(blow === "wait" ? 30 : 300);
  }

  cut(seat: Seat): void {
    seat.isCut = true;
    seat.told.length = 0;
    this.step(seat, { kind: "stale" });
  }

  mend(seat: Seat): void {
    seat.isCut = false;
    if (this.stored !== undefined) seat.told.push({ kind: "record", stored: this.stored });
    seat.told.push({ kind: "synced", hasRecord: this.stored !== undefined });
  }

  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.seats.reduce((one, other) =>
        other.machine.wakeMs < one.machine.wakeMs ? other : one,
      );
      if (next.machine.wakeMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, next.machine.wakeMs);
      this.step(next, { kind: "tick" });
    }
    this.nowMs = endMs;
  }

  /** Everything arrives, until nothing is on its way. */
  settle(): void {
    for (let round = 0; round < 50; round++) {
      for (const seat of this.seats) {
        while (seat.effects.length > 0) this.#carryOut(seat);
        while (seat.answers.length > 0) this.#deliver(seat, seat.answers);
        while (seat.told.length > 0) this.#deliver(seat, seat.told);
      }
    }
  }

  #deliver(seat: Seat, queue: FleetInput[]): void {
    const input = queue.shift();
    if (input !== undefined) this.step(seat, input);
  }

  #probe(seat: Seat, hasPassed: boolean): void {
    const { outlook } = seat.machine;
    if (outlook?.kind !== "probing" || outlook.window.validUntilMs <= this.nowMs) return;
    this.step(seat, { kind: "probed", epoch: outlook.epoch, hasPassed });
  }

  /** The effect reaches the store, its answer sets out. */
  #carryOut(seat: Seat): void {
    const next = seat.effects.shift();
    if (next === undefined) return;
    const { effect, sentMs } = next;
    if (effect.kind === "publish") {
      this.#tell({ kind: "summary", instance: seat.name, summary: effect.summary }, seat);
    } else if (effect.kind === "write") seat.answers.push(this.#write(effect));
    else if (effect.kind === "claim") seat.answers.push(this.#claim(seat, sentMs));
    else if (this.#lease?.owner === seat.name) this.#lease = undefined;
  }

  /** It never arrives. */
  #lose(seat: Seat): void {
    const lost = seat.effects.shift()?.effect.kind;
    if (lost === "write") seat.answers.push({ kind: "unwritten" });
    if (lost === "claim") seat.answers.push({ kind: "refused", forMs: 100 });
  }

  #write({ record, expect: expected }: FleetEffect & { kind: "write" }): FleetInput {
    if (expected !== (this.stored?.revision ?? "absent")) {
      return { kind: "conflict", stored: this.stored };
    }
    this.stored = { revision: ++this.#revision, record };
    this.written.push(record.state.kind);
    this.#tell({ kind: "record", stored: this.stored });
    return { kind: "written", stored: this.stored };
  }

  #claim(seat: Seat, sentMs: number): FleetInput {
    const leaseMs = SETTINGS.probeLeaseMs;
    const held = this.#lease;
    if (held !== undefined && held.untilMs > this.nowMs) {
      return { kind: "refused", forMs: held.untilMs - this.nowMs };
    }
    const token = ++this.#revision;
    this.#lease = { owner: seat.name, token, untilMs: this.nowMs + leaseMs };
    const untilMs = sentMs + leaseMs * 0.99;
    const window = { validUntilMs: untilMs, validUntilWallMs: untilMs };
    return { kind: "granted", grant: { ...window, fencingToken: token } };
  }

  #tell(input: FleetInput, except?: Seat): void {
    for (const seat of this.seats) if (seat !== except && !seat.isCut) seat.told.push(input);
  }

  #checkProbers(): void {
    const probing = this.seats.filter(({ machine: { outlook } }) => {
      return outlook?.kind === "probing" && outlook.window.validUntilMs > this.nowMs;
    });
    expect(probing.length).toBeLessThanOrEqual(1);
  }
}

const blows = fc.array(fc.tuple(fc.nat(3), fc.constantFrom(...BLOWS)), {
  minLength: 50,
  maxLength: 400,
});

describe("the machine of a fleet", () => {
  it("has one prober, epochs that only grow, one write at a time; and it closes in the end", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(blows, (script) => {
        const model = new Model();
        for (const seat of model.seats) model.mend(seat);
        for (const [who, blow] of script) model.blow(model.seats[who] as Seat, blow);
        for (const seat of model.seats) {
          seat.own = HEALTHY;
          if (seat.isCut) model.mend(seat);
        }
        for (let round = 0; round < 100; round++) {
          model.settle();
          for (const seat of model.seats) {
            model.blow(seat, "ask");
            model.blow(seat, "pass");
          }
          model.wait(50);
        }
        model.settle();
        for (const { machine } of model.seats) {
          expect(machine.outlook).toBeUndefined();
          expect(machine.state).toBe("closed");
          expect(machine.wakeMs).toBe(Infinity);
        }
        for (const state of model.written) seen.add(state);
      }),
      { numRuns: 150 },
    );
    // Else it was a walk in the park.
    expect([...seen].sort()).toEqual(["closed", "open", "probing", "ramping"]);
  });

  it("opens nothing, and makes the healthy say nothing, while one alone is sick", () => {
    const others = blows.map((script) =>
      script.filter(([who, blow]) => blow !== "epidemic" && (who === 0 || blow !== "sicken")),
    );
    fc.assert(
      fc.property(others, (script) => {
        const model = new Model();
        for (const seat of model.seats) model.mend(seat);
        for (const [who, blow] of script) model.blow(model.seats[who] as Seat, blow);
        expect(model.written).toEqual([]);
        for (const seat of model.seats.slice(1)) expect(seat.publishedMs).toBe(-Infinity);
      }),
    );
  });

  it("asks for nothing at all while all are healthy or idle", () => {
    fc.assert(
      fc.property(blows, (script) => {
        const model = new Model();
        for (const seat of model.seats) model.mend(seat);
        for (const [who, blow] of script) {
          const seat = model.seats[who] as Seat;
          if (blow === "sicken" || blow === "epidemic") seat.own = IDLE;
          else model.blow(seat, blow);
          expect(seat.effects).toEqual([]);
        }
        model.wait(1_000);
        for (const { machine } of model.seats) expect(machine.wakeMs).toBe(Infinity);
      }),
    );
  });

  it("begins to count anew after the event loop was blocked", () => {
    const model = new Model();
    const [first, second] = model.seats as [Seat, Seat];
    for (const seat of [first, second]) {
      model.mend(seat);
      seat.own = SICK;
    }
    model.settle();
    for (const seat of [first, second]) model.step(seat, { kind: "stirred" });
    model.wait(40);
    model.settle();
    // Words of the healthy may have arrived meanwhile, and lie unread.
    model.nowMs += 5_000;
    model.step(first, { kind: "tick" });
    expect(first.effects.some(({ effect }) => effect.kind === "write")).toBe(false);
  });

  it("writes over a store that went back, and is newer than all again", () => {
    const model = new Model();
    const [seat] = model.seats as [Seat];
    const record = (kind: "open" | "ramping") => ({
      state: { kind, resetMs: 0, rampMs: 10, openings: 1 },
      from: 0,
      instances: 1,
      by: "x",
      why: "y",
    });
    model.mend(seat);
    model.settle();
    model.step(seat, { kind: "record", stored: { revision: 9, record: record("ramping") } });
    model.wait(100);
    const write = seat.effects.shift();
    expect(write?.effect).toMatchObject({ kind: "write", expect: 9 });
    const old = { revision: 5, record: record("open") };
    model.step(seat, { kind: "conflict", stored: old });
    expect(seat.effects.at(-1)?.effect).toMatchObject({ kind: "write", expect: 5 });
    expect(seat.machine.epoch).toBe(9);
    model.step(seat, { kind: "record", stored: old });
    expect(seat.machine.epoch).toBe(9);
  });
});
