/**
 * Delivery orders on real servers: three members on the bus of Redis and of NATS, with a sequencer
 * that is followed by another while messages are under way.
 */
import { createCausalBroadcast, createTotalOrder, type TotalOrder } from "@quorate/clock";
import { type Backend, deferred } from "@quorate/core";
import { natsBackend } from "@quorate/nats";
import { afterEach, describe, expect, it } from "vitest";

import { needs, startNats } from "../scripts/servers/index.mjs";
import { Rig } from "./redis/rig.ts";
import { connectTo, freshNamespace } from "./support/nats-client.ts";

const NODES = ["a", "b", "c"];
const MESSAGES = 60;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Collects until there are `count`. */
function collector(count: number): {
  readonly texts: string[];
  readonly all: Promise<void>;
  readonly handler: (delivery: { readonly data: Uint8Array }) => void;
} {
  const texts: string[] = [];
  const all = deferred<void>();
  const handler = ({ data }: { readonly data: Uint8Array }): void => {
    texts.push(textOf(data));
    if (texts.length === count) all.resolve();
  };
  return { texts, all: all.promise, handler };
}

async function checkTotalOrder(backends: readonly Backend[]): Promise<void> {
  const members = NODES.map((node) => `${node}#1`);
  const ends = NODES.map(() => collector(MESSAGES));
  const orders = await Promise.all(
    NODES.map((self, index) => {
      const { bus, runtime } = backends[index] as Backend;
      const { handler } = ends[index] as ReturnType<typeof collector>;
      const options = { group: "bids", self, boot: "1", members, runtime, handler, tickMs: 50 };
      return createTotalOrder(bus, options);
    }),
  );
  closing.push(...orders.map((order) => () => order.close()));
  await orders[0]?.lead({ epoch: 1 });
  const published = Array.from({ length: MESSAGES }, (_, index) => {
    return (orders[index % 3] as TotalOrder).publish(bytesOf(`${index}`));
  });
  await published[0];
  await orders[1]?.lead({ epoch: 2 });
  const places = await Promise.all(published);
  await Promise.all(ends.map(({ all }) => all));
  const [first] = ends;
  for (const { texts } of ends) expect(texts).toEqual(first?.texts);
  for (const [index, place] of places.entries()) {
    expect(first?.texts[place.seq - 1]).toBe(`${index}`);
  }
}

/** Everybody answers each question of the first once; nobody sees an answer before its question. */
async function checkCausalOrder(backends: readonly Backend[]): Promise<void> {
  const questions = 10;
  const ends = NODES.map(() => collector(questions * NODES.length));
  const groups = await Promise.all(
    NODES.map((self, index) => {
      const { bus, runtime } = backends[index] as Backend;
      const { handler: collect } = ends[index] as ReturnType<typeof collector>;
      const handler = async (delivery: { readonly data: Uint8Array }): Promise<void> => {
        collect(delivery);
        const text = textOf(delivery.data);
        if (self !== "a" && text.startsWith("q")) {
          await groups[index]?.publish(bytesOf(`${self} on ${text}`));
        }
      };
      const options = { group: "talk", self, members: NODES, runtime, handler, tickMs: 50 };
      return createCausalBroadcast(bus, options);
    }),
  );
  closing.push(...groups.map((group) => () => group.close()));
  for (let index = 0; index < questions; index++) await groups[0]?.publish(bytesOf(`q${index}`));
  await Promise.all(ends.map(({ all }) => all));
  for (const { texts } of ends) {
    expect(new Set(texts).size).toBe(questions * NODES.length);
    const answers = texts.filter((text) => !text.startsWith("q"));
    for (const answer of answers) {
      const question = answer.slice(answer.indexOf("q"));
      expect(texts.indexOf(question)).toBeLessThan(texts.indexOf(answer));
    }
  }
}

const redis = needs("redis");
describe.skipIf(redis.skip)(`delivery orders on redis${redis.reason}`, () => {
  it("are what they say, with a change of sequencer in flight", async () => {
    const rig = await Rig.start();
    closing.push(() => rig.stop());
    const backends = NODES.map(() => rig.open());
    await checkTotalOrder(backends);
    await checkCausalOrder(backends);
  });
});

const nats = needs("nats");
describe.skipIf(nats.skip)(`delivery orders on nats${nats.reason}`, () => {
  it("are what they say, with a change of sequencer in flight", async () => {
    const server = await startNats({ version: "2.15" });
    closing.push(() => server.stop());
    const namespace = freshNamespace();
    const clients = ["nats", "@nats-io/transport-node", "nats"] as const;
    const backends = await Promise.all(
      clients.map(async (client) => {
        const connection = await connectTo(client, server.url);
        closing.push(() => connection.close());
        const backend = natsBackend(connection, { namespace });
        closing.push(() => backend.close({ graceMs: 0 }));
        return backend;
      }),
    );
    await checkTotalOrder(backends);
    await checkCausalOrder(backends);
  });
});
