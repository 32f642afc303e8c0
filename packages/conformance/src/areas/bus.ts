/**
 * The bus: publish, subscribe, queues, request and reply (cases 60 to 65 of the plan).
 */
import { strict as assert } from "node:assert";
import type { Message } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { assertError, bytes, text } from "../kit.ts";

export const bus: Area = {
  name: "bus",
  cases: [
    { name: "a message reaches every subscriber, in every process", run: reachesAll },
    { name: "60 messages of one publisher arrive in order", isAlone: true, run: inOrder },
    {
      name: "61 a queue shares: each message to one member, spread over all",
      isAlone: true,
      run: queues,
    },
    { name: "62 a prefix takes what is below it, and nothing beside it", run: prefixes },
    { name: "63 nobody listens: told at once", run: noResponders },
    { name: "64 a late answer is dropped, the next request unharmed", run: lateReply },
    { name: "65 subscribe resolves only when active", run: activeAtOnce },
    { name: "a request is answered, with headers both ways", run: requestReply },
    { name: "the first of two answers counts", run: firstAnswer },
    { name: "after close of a subscription nothing arrives", run: unsubscribes },
    { name: "an aborted signal ends the subscription", run: abortEnds },
  ],
};

async function reachesAll(t: CaseContext): Promise<void> {
  const [a, b, publisher] = [await t.open(), await t.open(), await t.open()];
  const seen: string[] = [];
  const note = (who: string) => (message: Message) => {
    seen.push(`${who}:${message.subject}:${text(message.data)}:${message.headers["h"]}`);
  };
  await a.bus.subscribe(t.key("s"), note("a"));
  await b.bus.subscribe(t.key("s"), note("b"));
  await publisher.bus.subscribe(t.key("s"), note("self"));
  await publisher.bus.publish(t.key("s"), bytes("hi"), { headers: { h: "v" } });
  await t.until("all three have it", () => seen.length === 3);
  const line = `${t.key("s")}:hi:v`;
  assert.deepEqual(seen.sort(), [`a:${line}`, `b:${line}`, `self:${line}`]);
}

async function inOrder(t: CaseContext): Promise<void> {
  const [subscriber, publisher] = [await t.open(), await t.open()];
  const seen: number[] = [];
  await subscriber.bus.subscribe(t.key("s"), (message) => {
    seen.push(Number(text(message.data)));
  });
  const count = t.crowd(500);
  const sends = Array.from({ length: count }, (_, index) =>
    publisher.bus.publish(t.key("s"), bytes(`${index}`)),
  );
  await Promise.all(sends);
  await t.until("all arrived", () => seen.length === count);
  assert.deepEqual(
    seen,
    Array.from({ length: count }, (_, index) => index),
  );
}

async function queues(t: CaseContext): Promise<void> {
  const members = [await t.open(), await t.open(), await t.open()];
  const publisher = await t.open();
  const seen = members.map((): string[] => []);
  const all: string[] = [];
  for (const [index, member] of members.entries()) {
    const take = (message: Message): void => void seen[index]?.push(text(message.data) ?? "");
    await member.bus.subscribe(t.key("s"), take, { queue: "workers" });
  }
  await publisher.bus.subscribe(t.key("s"), (message) => void all.push(text(message.data) ?? ""));
  const count = t.crowd(200);
  for (let index = 0; index < count; index++) {
    await publisher.bus.publish(t.key("s"), bytes(`${index}`));
  }
  await t.until("each message was taken", () => seen.flat().length >= count);
  await t.until("those outside the queue get all", () => all.length === count);
  await t.pass(20);
  assert.equal(seen.flat().length, count, "each message goes to one member");
  assert.equal(new Set(seen.flat()).size, count);
  assert(
    seen.every((taken) => taken.length > 0),
    "every member gets some",
  );
}

async function prefixes(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: string[] = [];
  await backend.bus.subscribe(`${t.key("a")}/`, (message) => {
    seen.push(message.subject);
  });
  for (const id of ["a", "ab", "ab/c", "b", "a/x", "a/x/y", "*", "a*", "A/x", "a/>"]) {
    await backend.bus.publish(t.key(id), bytes("m"));
  }
  await backend.bus.publish(t.key("a/end"), bytes("m"));
  await t.until("the last arrived", () => seen.includes(t.key("a/end")));
  assert.deepEqual(
    seen,
    ["a/x", "a/x/y", "a/>", "a/end"].map((id) => t.key(id)),
  );
}

async function noResponders(t: CaseContext): Promise<void> {
  const backend = await t.open({ requestTimeoutMs: 60_000 });
  const call = backend.bus.request(t.key("s"), bytes("?"), { timeoutMs: 60_000 });
  const error = await t.rejection("the request", call, 2_000);
  assertError(error, "NO_RESPONDERS", "none");
}

async function lateReply(t: CaseContext): Promise<void> {
  const [server, client] = [await t.open(), await t.open()];
  const held: Message[] = [];
  await server.bus.subscribe(t.key("s"), async (message) => {
    if (text(message.data) === "slow") held.push(message);
    else await message.respond?.(bytes("quick"));
  });
  // Once before, so that the client's ear for answers is open: 100 ms are for the slow one alone.
  const warm = client.bus.request(t.key("s"), bytes("warm"), { timeoutMs: 2_000 });
  await t.settle("the first request", warm);
  const slow = client.bus.request(t.key("s"), bytes("slow"), { timeoutMs: 100 });
  const error = await t.rejection("the slow request", slow, 3_000);
  assertError(error, "TIMEOUT", "unknown");
  await held[0]?.respond?.(bytes("late"));
  const next = await t.settle(
    "the next request",
    client.bus.request(t.key("s"), bytes("next"), { timeoutMs: 2_000 }),
  );
  assert.equal(text(next.data), "quick");
}

async function activeAtOnce(t: CaseContext): Promise<void> {
  const publisher = await t.open();
  for (let round = 0; round < 20; round++) {
    const subscriber = await t.open();
    let seen = 0;
    await subscriber.bus.subscribe(t.key(`${round}`), () => void (seen += 1));
    await publisher.bus.publish(t.key(`${round}`), bytes("m"));
    await t.until("a message sent after subscribe resolved arrives", () => seen === 1);
  }
}

async function requestReply(t: CaseContext): Promise<void> {
  const [server, client] = [await t.open(), await t.open()];
  await server.bus.subscribe(`${t.key("rpc")}/`, async (message) => {
    const headers = { "x-got": message.headers["x-sent"] ?? "" };
    await message.respond?.(bytes(`${message.subject}=${text(message.data)}`), { headers });
  });
  const call = client.bus.request(t.key("rpc/echo"), bytes("ping"), {
    timeoutMs: 2_000,
    headers: { "x-sent": "grüß : 1" },
  });
  const answer = await t.settle("the request", call);
  assert.equal(text(answer.data), `${t.key("rpc/echo")}=ping`);
  assert.equal(answer.headers["x-got"], "grüß : 1");
  assert.equal(Object.getPrototypeOf(answer.headers), null);
}

async function firstAnswer(t: CaseContext): Promise<void> {
  const [server, client] = [await t.open(), await t.open()];
  await server.bus.subscribe(t.key("s"), async (message) => {
    await message.respond?.(bytes("first"));
    await message.respond?.(bytes("second")).catch(() => {});
  });
  for (let round = 0; round < 3; round++) {
    const call = client.bus.request(t.key("s"), bytes("?"), { timeoutMs: 2_000 });
    assert.equal(text((await t.settle("the request", call)).data), "first");
  }
}

async function unsubscribes(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: string[] = [];
  const first = await backend.bus.subscribe(t.key("s"), () => void seen.push("first"));
  await backend.bus.subscribe(t.key("s"), () => void seen.push("second"));
  await first.close();
  await first.close();
  await backend.bus.publish(t.key("s"), bytes("m"));
  await t.until("the other one has it", () => seen.includes("second"));
  await t.pass(10);
  assert.deepEqual(seen, ["second"]);
}

async function abortEnds(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const controller = new AbortController();
  let seen = 0;
  const { signal } = controller;
  await backend.bus.subscribe(t.key("s"), () => void (seen += 1), { signal });
  await backend.bus.publish(t.key("s"), bytes("m"));
  await t.until("the first message arrived", () => seen === 1);
  controller.abort(new Error("enough"));
  await t.until("nobody listens", async () => {
    const call = backend.bus.request(t.key("s"), bytes("?"), { timeoutMs: 50 });
    const error = await t.rejection("a request to nobody", call);
    return (error as { code?: string }).code === "NO_RESPONDERS";
  });
  const before = seen;
  await backend.bus.publish(t.key("s"), bytes("m")).catch(() => {});
  await t.pass(10);
  assert.equal(seen, before);
}
