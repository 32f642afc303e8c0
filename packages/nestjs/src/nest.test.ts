/**
 * In real applications of Nest: two of them on one store are two pods.
 */
import { setTimeout as pause } from "node:timers/promises";

import {
  Body,
  Controller,
  Get,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  NotFoundException,
  Param,
  Post,
  Scope,
} from "@nestjs/common";
import { Test } from "@nestjs/testing";
import { Cron, Interval } from "@nestjs/schedule";
import { deferred, refuse } from "@quorate/core";
import { memoryBackend } from "@quorate/memory";
import {
  currentDeadline,
  expressDeadline,
  expressIdempotency,
  expressShedding,
} from "quorate/http";
import { createIdempotency } from "quorate/idempotency";
import { admission } from "quorate/resilience";
import { afterEach, describe, expect, it } from "vitest";

import { decorate, type Pod, Pods } from "./app.fixture.ts";
import {
  currentLeadership,
  currentLock,
  currentRun,
  currentTick,
  Idempotent,
  LeaderOnly,
  Locked,
  OncePerTick,
  QUORATE,
  QuorateModule,
} from "./index.ts";

const pods = new Pods();

afterEach(() => pods.closeAll());

const post = (pod: Pod, path: string, body: object = {}): Promise<Response> =>
  fetch(pod.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("Locked", () => {
  let inside = 0;
  let most = 0;
  const tokens: number[] = [];
  class Stock {
    async take(item: string, count: number): Promise<string> {
      most = Math.max(most, ++inside);
      tokens.push(currentLock().check());
      await pause(10);
      inside -= 1;
      return `${count} of ${item}, under ${currentLock().key}`;
    }
  }
  Injectable()(Stock);
  decorate(
    Stock,
    "take",
    Locked((item: string) => `stock/${item}`),
  );

  it("runs one call at a time over two pods, each with a greater token", async () => {
    const [one, two] = await pods.openTwo({ providers: [Stock] });
    const calls = [one, two, one, two].map((pod, index) => pod.get(Stock).take("tea", index));
    expect(await Promise.all(calls)).toContain("3 of tea, under stock/tea");
    expect(most).toBe(1);
    expect(tokens).toEqual([...tokens].toSorted((left, right) => left - right));
    expect(new Set(tokens).size).toBe(4);
  });

  it("never mixes two applications: on stores of their own neither waits", async () => {
    const gate = deferred<void>();
    const both = deferred<void>();
    let entered = 0;
    class Alone {
      async work(): Promise<void> {
        if (++entered === 2) both.resolve();
        await gate.promise;
      }
    }
    Injectable()(Alone);
    decorate(Alone, "work", Locked("alone"));
    const one = await pods.open(QuorateModule.forRoot(), { providers: [Alone] });
    const two = await pods.open(QuorateModule.forRoot(), { providers: [Alone] });
    const calls = [one.get(Alone).work(), two.get(Alone).work()];
    await both.promise;
    gate.resolve();
    await Promise.all(calls);
    expect(one.app.get(QUORATE)).not.toBe(two.app.get(QUORATE));
  });

  it("stands beside its like, and is inherited", async () => {
    class Base {
      async work(order: string): Promise<string> {
        return `${currentLock().key} ${currentRun().key} ${order}`;
      }
    }
    decorate(
      Base,
      "work",
      Locked("base"),
      Idempotent((order: string) => `work/${order}`),
    );
    class Special extends Base {}
    Injectable()(Special);
    const pod = await pods.open(QuorateModule.forRoot(), { providers: [Special] });
    expect(await pod.get(Special).work("7")).toBe("base work/7 7");
  });

  it("works in objects of request scope", async () => {
    class PerRequest {
      async key(): Promise<string> {
        return currentLock().key;
      }
    }
    Injectable({ scope: Scope.REQUEST })(PerRequest);
    decorate(PerRequest, "key", Locked("scoped"));
    const pod = await pods.open(QuorateModule.forRoot(), { providers: [PerRequest] });
    const [first, second] = [await pod.app.resolve(PerRequest), await pod.app.resolve(PerRequest)];
    expect(first).not.toBe(second);
    expect([await first.key(), await second.key()]).toEqual(["scoped", "scoped"]);
  });

  it("says what is missing: the module, an object of Nest, a method", async () => {
    const without = Test.createTestingModule({ providers: [Stock] }).setLogger(false as never);
    await expect(without.compile()).rejects.toThrow(/import QuorateModule\.forRoot/);
    await expect(new Stock().take("tea", 1)).rejects.toThrow(/an object that Nest has made/);
    expect(() => currentLock()).toThrow(/within a method with @Locked/);
    const misused = () => Locked("x")(Stock, "name", { value: "text" } as never);
    expect(misused).toThrow(/put on a method/);
  });
});

describe("in controllers", () => {
  const runs: string[] = [];
  const free = deferred<void>();
  const entered = deferred<void>();
  class Payments {
    async charge(order: string, body: { cents: number }): Promise<object> {
      runs.push(`${order} ${body.cents} ${currentRun().attempt}`);
      if (body.cents > 1_000) throw refuse("card declined");
      return { order, cents: body.cents, run: runs.length };
    }
    async hold(): Promise<void> {
      entered.resolve();
      await free.promise;
    }
    async tryHold(): Promise<void> {}
    async broken(): Promise<void> {
      throw new Error("a secret");
    }
    async missing(): Promise<void> {
      throw new NotFoundException();
    }
  }
  Controller("payments")(Payments);
  const byOrder = Idempotent((order: string) => `charge/${order}`);
  decorate(Payments, "charge", Post(":order"), byOrder); // Nest's own above ours,
  Param("order")(Payments.prototype, "charge", 0);
  Body()(Payments.prototype, "charge", 1);
  decorate(Payments, "hold", Locked("hold"), Get("hold")); // and below.
  decorate(Payments, "tryHold", Get("try-hold"), Locked("hold", { waitMs: 0 }));
  decorate(Payments, "broken", Get("broken"));
  decorate(Payments, "missing", Get("missing"));

  it("answers a repeat with the first answer, over two pods", async () => {
    const [one, two] = await pods.openTwo({ controllers: [Payments] });
    const first = await post(one, "/payments/42", { cents: 7 });
    const again = await post(two, "/payments/42", { cents: 7 });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(await again.json()).toEqual(await first.json());
    expect(runs).toEqual(["42 7 1"]);

    const other = await post(two, "/payments/42", { cents: 8 });
    expect(other.status).toBe(422);
    expect(other.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(await other.json()).toMatchObject({ code: "IDEMPOTENCY_MISMATCH", effect: "none" });

    const refused = await post(one, "/payments/43", { cents: 5_000 });
    const refusedAgain = await post(two, "/payments/43", { cents: 5_000 });
    expect([refused.status, refusedAgain.status]).toEqual([422, 422]);
    expect(await refusedAgain.json()).toMatchObject({ code: "REFUSED" });
    expect(runs.length).toBe(2);
  });

  it("tells a client what it can do, and nothing that is not its business", async () => {
    const [one, two] = await pods.openTwo({ controllers: [Payments] });
    const held = fetch(`${one.url}/payments/hold`);
    await entered.promise;
    const taken = await fetch(`${two.url}/payments/try-hold`);
    expect([taken.status, taken.headers.get("retry-after")]).toEqual([409, "1"]);
    expect(await taken.json()).toMatchObject({ code: "LOCK_TIMEOUT", effect: "none" });
    free.resolve();
    expect((await held).status).toBe(200);

    const broken = await fetch(`${one.url}/payments/broken`);
    expect([broken.status, await broken.json()]).toEqual([
      500,
      { statusCode: 500, message: "Internal server error" },
    ]);
    expect((await fetch(`${one.url}/payments/missing`)).status).toBe(404);
  });
});

describe("beside the middlewares of quorate/http", () => {
  it("answers repeats, knows the deadline, and sheds", async () => {
    const backend = memoryBackend();
    pods.keep(backend);
    const idempotency = createIdempotency(backend);
    const gate = admission({ limit: 1, queue: 0 });
    const entered = deferred<void>();
    const free = deferred<void>();
    let runs = 0;
    class Orders {
      async create(): Promise<object> {
        runs += 1;
        return { runs, bounded: (currentDeadline()?.remainingMs ?? Infinity) <= 900 };
      }
      async hold(): Promise<void> {
        entered.resolve();
        await free.promise;
      }
    }
    Controller("orders")(Orders);
    decorate(Orders, "create", Post());
    decorate(Orders, "hold", Get("hold"));
    class Doors implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        const scope = (): string => "acme";
        consumer
          .apply(
            expressDeadline(),
            expressShedding({ admission: gate }),
            expressIdempotency({ idempotency, scope }),
          )
          .forRoutes("*path");
      }
    }
    Module({})(Doors);
    const pod = await pods.open(backend, { controllers: [Orders], imports: [Doors] });
    const create = (): Promise<Response> =>
      fetch(`${pod.url}/orders`, {
        method: "POST",
        headers: { "idempotency-key": "k-1", "request-timeout-ms": "900" },
      });
    const [first, again] = [await create(), await create()];
    expect(await first.json()).toEqual({ runs: 1, bounded: true });
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(runs).toBe(1);
    const held = fetch(`${pod.url}/orders/hold`);
    await entered.promise;
    expect((await create()).status).toBe(503);
    free.resolve();
    await held;
    await idempotency.close();
  });
});

describe("on timers", () => {
  it("LeaderOnly runs in one pod until it hands over, OncePerTick once a tick", async () => {
    const led: { pod: object; term: number }[] = [];
    const ticks: string[] = [];
    const active: object[] = [];
    let besideAnother = 0;
    class Jobs {
      async poll(): Promise<void> {
        if (active.some((pod) => pod !== this)) besideAnother += 1;
        active.push(this);
        led.push({ pod: this, term: currentLeadership().term });
        await pause(30);
        active.splice(active.indexOf(this), 1);
      }
      async nightly(): Promise<void> {
        ticks.push(currentTick().key);
      }
    }
    Injectable()(Jobs);
    decorate(Jobs, "poll", Interval(20), LeaderOnly("jobs"));
    decorate(Jobs, "nightly", OncePerTick("nightly", "* * * * * *"), Cron("* * * * * *"));
    const [one, two] = await pods.openTwo({ providers: [Jobs] });
    await expect.poll(() => led.length).toBeGreaterThan(3);
    expect(new Set(led.map(({ pod }) => pod)).size).toBe(1);

    await expect.poll(() => ticks.length, { timeout: 3_000 }).toBeGreaterThan(1);
    await pause(100);
    expect(new Set(ticks).size).toBe(ticks.length);

    const first = led[0]?.pod === one.get(Jobs) ? one : two;
    const before = led.length;
    await first.app.close();
    await expect.poll(() => led.length).toBeGreaterThan(before + 2);
    const [early, late] = [led[0], led.at(-1)];
    expect(late?.pod).not.toBe(early?.pod);
    expect(late?.term).toBeGreaterThan(early?.term ?? Infinity);
    expect(besideAnother).toBe(0);
  });

  it("refuses a wrong schedule when the application starts", async () => {
    class Wrong {
      async tick(): Promise<void> {}
    }
    Injectable()(Wrong);
    decorate(Wrong, "tick", OncePerTick("wrong", "every day"));
    const starting = pods.open(QuorateModule.forRoot(), { providers: [Wrong] });
    await expect(starting).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
