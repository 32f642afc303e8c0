import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";

import { Budget } from "../budget.ts";
import { JetStreamApi } from "../jetstream/api.ts";
import { Exchange } from "../link/exchange.ts";
import { Link } from "../link/link.ts";
import { NOT_FOUND, ScriptedCluster } from "../scripted-cluster.fixture.ts";
import { Delivery, parsePlace } from "./delivery.ts";

it("a delivery takes a stream that is not found for something that passes", async () => {
  const runtime = new ScriptedRuntime();
  const cluster = new ScriptedCluster();
  cluster.script.push(NOT_FOUND);
  const link = new Link(cluster, runtime);
  const api = new JetStreamApi(new Exchange(link, runtime, (id) => `n.i.${id}.`), link, "$JS.API");
  const nothing = (): void => {};
  const delivery = new Delivery({
    ...{ api, link, runtime, streamName: "QUORATE_n", name: "w-1" },
    ...{ filter: "n.kv.>", deliverTo: "n.w.1" },
    listener: { onMessage: nothing, onCaughtUp: nothing, onHeartbeat: nothing, onEnd: nothing },
  });
  const budget = new Budget(runtime, { timeoutMs: 1_000, signal: undefined });
  await expect(delivery.start(budget)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    effect: "none",
    retryable: true,
  });
});

describe("the place of a delivered message", () => {
  it("is read from both forms that servers use", () => {
    const place = { streamSeq: 42, consumerSeq: 7, stampMs: 1_795_000_000_123.456, pending: 3 };
    const tail = "1.42.7.1795000000123456000.3";
    expect(parsePlace(`$JS.ACK.QUORATE_n.consumer.${tail}`)).toEqual(place);
    expect(parsePlace(`$JS.ACK.hub.hash.QUORATE_n.consumer.${tail}`)).toEqual(place);
    expect(parsePlace(`$JS.ACK.hub.hash.QUORATE_n.consumer.${tail}.token`)).toEqual(place);
  });

  it.each(["", "a.b", "$JS.ACK.s.c.1.2.3.4", "$JS.ACK.s.c.1.x.3.4.5", "_INBOX.s.c.1.2.3.4.5.6"])(
    "is not read from %j",
    (reply) => expect(parsePlace(reply)).toBeUndefined(),
  );
});
