import { channel } from "node:diagnostics_channel";
import { Writable } from "node:stream";

import { CHANNELS, QuorateError } from "@quorate/core";
import { pino } from "pino";
import { expect, it } from "vitest";

import { connect } from "./connect.ts";
import { type Logger, logTo } from "./logging.ts";

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly quorate: Readonly<Record<string, unknown>>;
}

/** A pino of its own, and what it wrote. */
function pinoInMemory(level = "debug") {
  const lines: Line[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(JSON.parse(chunk.toString()) as Line);
      done();
    },
  });
  return { logger: pino({ level, name: "shop" }, stream), lines };
}

const tell = (name: string, event: object): void => channel(`quorate:${name}`).publish(event);
const WARN = 40;

it("writes facts first and then a sentence, by the level that the event has", () => {
  const { logger, lines } = pinoInMemory();
  using _ = logTo(logger);
  tell("lock.lost", { kind: "lock", key: "order/42", fencingToken: 7, reason: "expired" });
  tell("saga.stuck", { saga: "trip", version: 1, id: "t-1", what: "pay:undo", isParked: true });
  tell("election.elected", { election: "e", candidate: "pod-7", term: 3, delayedMs: 0 });
  tell("lock.granted", { kind: "lock", key: "a", fencingToken: 7, ttlMs: 1, waitedMs: 0 });
  expect(lines.map(({ level, quorate }) => [level, quorate["event"]])).toEqual([
    [WARN, "lock.lost"],
    [50, "saga.stuck"],
    [30, "election.elected"],
  ]);
  expect(lines[0]).toMatchObject({
    name: "shop",
    msg: "lock.lost: a holder was told that it holds no more",
    quorate: { kind: "lock", key: "order/42", fencingToken: 7, reason: "expired" },
  });
});

it("judges by what an event tells where its channel says too little", () => {
  const { logger, lines } = pinoInMemory();
  using _ = logTo(logger);
  const told: readonly [string, object][] = [
    ["breaker.transition", { breaker: "b", to: "open" }],
    ["breaker.transition", { breaker: "b", to: "half-open" }],
    ["breaker.transition", { breaker: "b", to: "closed" }],
    ["cron.ended", { job: "j", outcome: "done" }],
    ["cron.ended", { job: "j", outcome: "failed" }],
    ["cron.declared", { job: "j", outcome: "skipped-overlap" }],
    ["cron.declared", { job: "j", outcome: "missed" }],
    ["nats", { kind: "link-lost", server: "s" }],
    ["nats", { kind: "link-up", server: "s" }],
    ["bus", { kind: "handler-failed", error: new Error("x") }],
    ["transaction.worker", { kind: "granted", owner: "o" }],
    ["transaction.worker", { kind: "lost", owner: "o" }],
  ];
  for (const [name, event] of told) tell(name, event);
  expect(lines.map(({ level }) => level)).toEqual([40, 30, 40, 30, 40, 40, 30, 50, 40]);
});

it("does not even listen to what is too quiet, and stops when it is closed", () => {
  const quiet = [...CHANNELS].filter(([, { level }]) => level === "debug").map(([name]) => name);
  const heard = (): string[] => quiet.filter((name) => channel(`quorate:${name}`).hasSubscribers);
  const { logger, lines } = pinoInMemory();
  const first = logTo(logger);
  const second = logTo(logger);
  // Some of a quiet channel's events may be loud.
  expect(heard()).toEqual(["idempotency.ended", "transaction.worker", "delivery"]);
  tell("lock.lost", { key: "a" });
  expect(lines).toHaveLength(1); // Once, for two who ask.
  first.close();
  first.close();
  tell("lock.lost", { key: "a" });
  expect(lines).toHaveLength(2);
  second.close();
  expect(channel("quorate:lock.lost").hasSubscribers).toBe(false);
  using _ = logTo(logger, { level: "debug" });
  expect(heard()).toEqual(quiet);
});

it("says of an error what may be said", () => {
  const { logger, lines } = pinoInMemory();
  const foreign = Object.assign(new TypeError("card 4111-1111"), { code: "E_CARD", card: "4111" });
  const ours = new QuorateError("CLOSED", "at redis://u:pass@h", {
    effect: "none",
    details: { what: "it" },
  });
  const event = { what: "redis://u:pass@h", trace: {}, around: () => {}, payload: { secret: 1 } };
  {
    using _ = logTo(logger);
    for (const error of [foreign, ours, "a word", null]) {
      tell("rpc.handler-failed", { ...event, error });
    }
  }
  expect(lines.map(({ quorate }) => quorate)).toEqual([
    {
      event: "rpc.handler-failed",
      what: "redis://***@h",
      error: { type: "TypeError", code: "E_CARD" },
    },
    {
      ...{ event: "rpc.handler-failed", what: "redis://***@h" },
      error: {
        type: "QuorateError",
        code: "CLOSED",
        effect: "none",
        message: "CLOSED: at redis://***@h",
      },
    },
    { event: "rpc.handler-failed", what: "redis://***@h", error: "a word" },
    { event: "rpc.handler-failed", what: "redis://***@h", error: { type: "object" } },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/4111|pass|secret/);
  using _ = logTo(logger, { foreignErrors: true });
  tell("rpc.handler-failed", { error: foreign });
  expect(lines.at(-1)?.quorate["error"]).toMatchObject({ message: "card 4111-1111" });
});

it("breaks nothing when the logger throws, rejects or calls back", async () => {
  let calls = 0;
  const bad = (): void => {
    calls += 1;
    tell("lock.lost", { key: "from the logger" });
    if (calls === 1) throw new Error("the logger's");
    return Promise.reject(new Error("the logger's")) as never;
  };
  using _ = logTo({ debug: bad, info: bad, warn: bad, error: bad });
  tell("lock.lost", { key: "a" });
  tell("lock.lost", { key: "a" });
  await new Promise((resolve) => setImmediate(resolve)); // Unhandled rejections fail the run.
  expect(calls).toBe(2);
});

it("refuses what is no logger, by name", () => {
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  for (const bad of [undefined, {}, { ...logger, warn: 7 }]) {
    expect(() => logTo(bad as unknown as Logger)).toThrow("INVALID_ARGUMENT: logger.");
  }
  expect(() => logTo(logger, { level: "trace" as "debug" })).toThrow("level must be");
  expect(() => logTo(logger, { levels: "x" } as never)).toThrow("levels");
});

it("logs for a connection until it is closed", async () => {
  const { logger, lines } = pinoInMemory("info");
  const q = await connect("memory:", { logger, name: "pod-7" });
  await q.elect("reconciler").lead(async () => {});
  await q.close();
  tell("lock.lost", { key: "after" });
  expect(lines.map(({ msg }) => msg.split(":")[0])).toEqual(["election.elected", "election.ended"]);
  await expect(connect("memory:", { logger: {} as Logger })).rejects.toThrow("logger.debug");
});
