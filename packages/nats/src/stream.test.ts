import { ScriptedRuntime } from "@quorate/core/testing";
import { beforeEach, describe, expect, it } from "vitest";

import { Budget } from "./budget.ts";
import { ErrCode } from "./jetstream/answers.ts";
import { JetStreamApi } from "./jetstream/api.ts";
import { Exchange } from "./link/exchange.ts";
import { Link } from "./link/link.ts";
import { NOT_FOUND, ScriptedCluster } from "./scripted-cluster.fixture.ts";
import { ServerClock } from "./server-clock.ts";
import { Stream } from "./stream.ts";
import { streamConfig } from "./stream-config.ts";
import { Subjects } from "./subjects.ts";

const subjects = new Subjects("n", undefined);
const choice = { replicas: undefined, storage: undefined };

const INFO = {
  created: "2026-01-01T00:00:00.000000001Z",
  ts: "2026-01-01T00:00:01Z",
  state: { last_seq: 0 },
  config: streamConfig(subjects, choice, "2.15.1"),
};
const IN_USE = {
  error: { code: 400, err_code: ErrCode.streamNameInUse, description: "name already in use" },
};

let runtime: ScriptedRuntime;
let cluster: ScriptedCluster;
let stream: Stream;

beforeEach(() => {
  runtime = new ScriptedRuntime();
  cluster = new ScriptedCluster();
  const link = new Link(cluster, runtime);
  const api = new JetStreamApi(new Exchange(link, runtime, (id) => `n.i.${id}.`), link, "$JS.API");
  const clock = new ServerClock(runtime);
  stream = new Stream({
    ...{ api, link, subjects, choice, clock, runtime },
    requestTimeoutMs: 2_000,
  });
});

function look(signal?: AbortSignal): Promise<unknown> {
  const budget = new Budget(runtime, { timeoutMs: 2_000, signal });
  return stream.look(budget, "ready").then(
    () => "seen",
    (error: unknown) => error,
  );
}

describe("a look at the stream", () => {
  it("that is there asks once", async () => {
    cluster.script.push(INFO);
    expect([await look(), cluster.asked]).toEqual(["seen", ["INFO"]]);
    expect(stream.facts).toMatchObject({ replicas: 1, tellsTime: true });
  });

  it("makes one that is not there, and looks at what was made", async () => {
    cluster.script.push(NOT_FOUND, {}, INFO);
    expect([await look(), cluster.asked]).toEqual(["seen", ["INFO", "CREATE", "INFO"]]);
  });

  it("waits for a leader that does not know yet of what was made; it is made once", async () => {
    cluster.script.push(NOT_FOUND, {}, NOT_FOUND, NOT_FOUND, INFO);
    const looking = look();
    await runtime.advance(200);
    expect(await looking).toBe("seen");
    expect(cluster.asked).toEqual(["INFO", "CREATE", "INFO", "INFO", "INFO"]);
  });

  it("makes it after all where the one that was in the way is gone", async () => {
    cluster.script.push(NOT_FOUND, IN_USE, NOT_FOUND, {}, INFO);
    const looking = look();
    await runtime.advance(200);
    expect(await looking).toBe("seen");
    expect(cluster.asked).toEqual(["INFO", "CREATE", "INFO", "CREATE", "INFO"]);
  });

  it("gives up in its time, as something that passes, with effect none", async () => {
    cluster.script.push(NOT_FOUND, {}, NOT_FOUND);
    const looking = look();
    await runtime.advance(2_000);
    expect(await looking).toMatchObject({
      code: "STORE_UNAVAILABLE",
      effect: "none",
      retryable: true,
      message: expect.stringContaining("do not find stream QUORATE_n yet") as string,
    });
    expect(cluster.asked.length).toBeLessThan(12);
  });

  it("ends with its caller's signal while it waits", async () => {
    cluster.script.push(NOT_FOUND, {}, NOT_FOUND);
    const controller = new AbortController();
    const looking = look(controller.signal);
    await runtime.advance(50);
    controller.abort(new Error("no longer wanted"));
    expect(await looking).toMatchObject({ message: "no longer wanted" });
  });
});
