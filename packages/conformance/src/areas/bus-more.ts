/**
 * The bus's finer promises: one handler at a time, failing handlers, copies, deadlines.
 */
import { strict as assert } from "node:assert";
import { type Events, type HandlerFailed, isQuorateError, type Message } from "@quorate/core";
import type { Area, CaseContext } from "../case.ts";
import { assertError, bytes, text } from "../kit.ts";

export const busMore: Area = {
  name: "bus, finer",
  cases: [
    { name: "handlers of one subscription run one at a time, in order", run: oneAtATime },
    { name: "a handler that fails loses nothing, and is told as an event", run: failing },
    { name: "a plain publication has no respond, and headers without a prototype", run: plain },
    { name: "messages are copies: what one handler writes into, no other sees", run: copies },
    { name: "headers at their bounds come through", run: headerBounds },
    { name: "data of every byte, of no byte, and of the greatest size comes through", run: sizes },
    { name: "a queue member that is closed gets no more, the others all", run: memberLeaves },
    { name: "a request to a queue is answered by one member", run: requestToQueue },
    {
      name: "a thousand requests at once are each answered with their own",
      isAlone: true,
      run: manyRequests,
    },
    { name: "an aborted request rejects with its reason", run: abortedRequest },
    { name: "close of the backend ends its subscriptions", run: closeEnds },
  ],
};

async function oneAtATime(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const gates: (() => void)[] = [];
  const seen: string[] = [];
  let running = 0;
  await backend.bus.subscribe(t.key("s"), async (message) => {
    running += 1;
    assert.equal(running, 1);
    seen.push(text(message.data) ?? "");
    await new Promise<void>((resolve) => gates.push(resolve));
    running -= 1;
  });
  for (const id of ["1", "2", "3"]) await backend.bus.publish(t.key("s"), bytes(id));
  for (let count = 1; count <= 3; count++) {
    await t.until(`message ${count} is handled`, () => gates.length === count);
    await t.pass(10);
    assert.equal(seen.length, count, "the next one waits");
    gates[count - 1]?.();
  }
  assert.deepEqual(seen, ["1", "2", "3"]);
}

async function failing(t: CaseContext): Promise<void> {
  const { time, random, ids } = (await t.open()).runtime;
  const failures: HandlerFailed[] = [];
  const events: Events = {
    channel: (name) => ({
      hasSubscribers: true,
      publish: (event) => {
        const isFailure = name === "bus" && "kind" in event && event.kind === "handler-failed";
        if (isFailure) failures.push(event as unknown as HandlerFailed);
      },
    }),
  };
  const backend = await t.open({ runtime: { time, random, ids, events } });
  const seen: string[] = [];
  const handler = (message: Message): Promise<void> | void => {
    seen.push(text(message.data) ?? "");
    if (seen.length === 1) throw new Error("thrown");
    if (seen.length === 2) return Promise.reject(new Error("rejected"));
  };
  await backend.bus.subscribe(t.key("s"), handler);
  for (const id of ["1", "2", "3"]) await backend.bus.publish(t.key("s"), bytes(id));
  await t.until("all three are handled", () => seen.length === 3);
  await t.until("both failures are told", () => failures.length === 2);
  assert.deepEqual(
    failures.map(({ subject, error }) => [subject, (error as Error).message]),
    [
      [t.key("s"), "thrown"],
      [t.key("s"), "rejected"],
    ],
  );
}

async function plain(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: Message[] = [];
  await backend.bus.subscribe(t.key("s"), (message) => void seen.push(message));
  await backend.bus.publish(t.key("s"), bytes("m"));
  await t.until("it arrived", () => seen.length === 1);
  assert.equal(seen[0]?.respond, undefined);
  assert.equal(Object.getPrototypeOf(seen[0]?.headers), null);
  assert.deepEqual(Object.keys(seen[0]?.headers ?? { x: 1 }), []);
}

async function copies(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: (string | undefined)[] = [];
  for (let index = 0; index < 2; index++) {
    await backend.bus.subscribe(t.key("s"), (message) => {
      seen.push(text(message.data));
      message.data.fill(0);
    });
  }
  const mine = bytes("mine");
  const published = backend.bus.publish(t.key("s"), mine);
  mine.fill(0);
  await published;
  await t.until("both have it", () => seen.length === 2);
  assert.deepEqual(seen, ["mine", "mine"]);
}

async function headerBounds(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: Message[] = [];
  await backend.bus.subscribe(t.key("s"), (message) => void seen.push(message));
  const headers: Record<string, string> = { empty: "", blanks: "  a  ", odd: "a:b; ü=日本 🎉 %0d" };
  headers["n".repeat(64)] = "v".repeat(1_024);
  for (let index = Object.keys(headers).length; index < 32; index++)
    headers[`h-${index}`] = `${index}`;
  await backend.bus.publish(t.key("s"), bytes("m"), { headers });
  await t.until("it arrived", () => seen.length === 1);
  assert.deepEqual({ ...seen[0]?.headers }, headers);
}

async function sizes(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const seen: Message[] = [];
  await backend.bus.subscribe(t.key("s"), (message) => void seen.push(message));
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  const largest = new Uint8Array(backend.capabilities.maxValueBytes).fill(9);
  const data = [all, new Uint8Array(0), largest];
  for (const each of data) await backend.bus.publish(t.key("s"), each);
  await t.until("all arrived", () => seen.length === 3);
  for (const [index, each] of data.entries()) {
    const arrived = seen[index]?.data;
    assert(arrived instanceof Uint8Array);
    assert.equal(Buffer.compare(arrived, each), 0);
  }
}

async function memberLeaves(t: CaseContext): Promise<void> {
  const [one, two] = [await t.open(), await t.open()];
  const seen: string[] = [];
  const queue = "workers";
  const leaving = await one.bus.subscribe(t.key("s"), () => void seen.push("one"), { queue });
  await two.bus.subscribe(t.key("s"), () => void seen.push("two"), { queue });
  await leaving.close();
  for (let index = 0; index < 20; index++) await two.bus.publish(t.key("s"), bytes("m"));
  await t.until("all are taken", () => seen.length === 20);
  assert(seen.every((who) => who === "two"));
}

async function requestToQueue(t: CaseContext): Promise<void> {
  const [one, two, client] = [await t.open(), await t.open(), await t.open()];
  let ran = 0;
  const serve = async (message: Message): Promise<void> => {
    ran += 1;
    await message.respond?.(bytes("done"));
  };
  await one.bus.subscribe(t.key("s"), serve, { queue: "q" });
  await two.bus.subscribe(t.key("s"), serve, { queue: "q" });
  for (let index = 0; index < 10; index++) {
    const call = client.bus.request(t.key("s"), bytes("?"), { timeoutMs: 2_000 });
    assert.equal(text((await t.settle("the request", call)).data), "done");
  }
  assert.equal(ran, 10);
}

async function manyRequests(t: CaseContext): Promise<void> {
  const [server, client] = [await t.open(), await t.open()];
  await server.bus.subscribe(`${t.key("s")}/`, (message) => message.respond?.(message.data));
  const count = t.crowd(1_000);
  const calls = Array.from({ length: count }, (_, index) =>
    client.bus.request(t.key(`s/${index % 10}`), bytes(`${index}`), { timeoutMs: 15_000 }),
  );
  const answers = await t.settle("all requests", Promise.all(calls), 16_000);
  assert.deepEqual(
    answers.map(({ data }) => text(data)),
    answers.map((_, index) => `${index}`),
  );
}

async function abortedRequest(t: CaseContext): Promise<void> {
  const backend = await t.open();
  const controller = new AbortController();
  const { signal } = controller;
  await backend.bus.subscribe(t.key("s"), () => {});
  const call = backend.bus.request(t.key("s"), bytes("?"), { timeoutMs: 30_000, signal });
  call.catch(() => {});
  await t.pass(20);
  const reason = new Error("enough");
  controller.abort(reason);
  const error = await t.rejection("the request", call, 2_000);
  if (isQuorateError(error)) assertError(error, "ABORTED", "unknown");
  else assert.equal(error, reason);
}

async function closeEnds(t: CaseContext): Promise<void> {
  const [subscriber, publisher] = [await t.open(), await t.open()];
  let seen = 0;
  await subscriber.bus.subscribe(t.key("s"), () => void (seen += 1));
  await t.settle("close", subscriber.close());
  await t.until("nobody listens", async () => {
    const call = publisher.bus.request(t.key("s"), bytes("?"), { timeoutMs: 100 });
    return isQuorateError(await t.rejection("the request", call), "NO_RESPONDERS");
  });
  assert.equal(seen, 0);
}
