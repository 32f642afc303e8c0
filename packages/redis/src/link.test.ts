import { EventEmitter } from "node:events";
import { isQuorateError } from "@quorate/core";
import { ScriptedRuntime } from "@quorate/core/testing";
import { describe, expect, it } from "vitest";
import type { RedisLike } from "./client.ts";
import { Link } from "./link.ts";
import type { Request } from "./request.ts";

interface Sent {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A client that does what the test says. */
class FakeClient extends EventEmitter {
  status = "ready";
  readonly isCluster = false;
  readonly options: { host: string; port: number; autoResendUnfulfilledCommands: boolean };
  readonly sent: Sent[] = [];

  constructor(resends = true) {
    super();
    this.options = { host: "redis.example", port: 6379, autoResendUnfulfilledCommands: resends };
  }

  evalsha(): Promise<unknown> {
    return this.#send("evalsha");
  }

  eval(): Promise<unknown> {
    return this.#send("eval");
  }

  become(status: string): void {
    this.status = status;
    this.emit(status);
  }

  #send(command: string): Promise<unknown> {
    return new Promise((resolve, reject) => this.sent.push({ command, resolve, reject }));
  }
}

const script = { name: "test", source: "return 1", sha: "0".repeat(40) };

function setUp(options: { readonly resends?: boolean; readonly status?: string } = {}) {
  const runtime = new ScriptedRuntime();
  const client = new FakeClient(options.resends);
  client.status = options.status ?? "ready";
  const link = new Link(client as unknown as RedisLike, runtime, () => Promise.resolve());
  const run = (more: Partial<Request> = {}) => {
    const request = { operation: "test", script, keys: [], args: [], timeoutMs: 1_000 };
    return link.run({ ...request, unchecked: true, ...more }).then(
      (answer) => ({ answer, error: undefined }),
      (error: unknown) => ({ answer: undefined, error }),
    );
  };
  return { runtime, client, link, run };
}

describe("Link", () => {
  it("answers, and says that the connection was the same", async () => {
    const { client, run } = setUp();
    const running = run();
    client.sent[0]?.resolve("yes");
    expect((await running).answer).toMatchObject({ value: "yes", steady: true });
  });

  it("does not call an answer steady over a connection that broke", async () => {
    const { client, run } = setUp();
    const running = run();
    client.become("close");
    client.become("ready");
    client.sent[0]?.resolve("no");
    expect((await running).answer?.steady).toBe(false);
  });

  it("sends the source where the server has forgotten the script", async () => {
    const { client, run } = setUp();
    const running = run();
    client.sent[0]?.reject(new Error("NOSCRIPT No matching script."));
    await Promise.resolve();
    expect(client.sent.map(({ command }) => command)).toEqual(["evalsha", "eval"]);
    client.sent[1]?.resolve("yes");
    expect((await running).answer?.steady).toBe(true);
  });

  it("hands nothing to a client that is not connected, and takes it back in time", async () => {
    const { runtime, client, run } = setUp({ status: "reconnecting" });
    const running = run();
    await runtime.advance(1_000);
    const { error } = await running;
    expect(isQuorateError(error, "STORE_UNAVAILABLE") && error.effect).toBe("none");
    client.become("ready");
    expect(client.sent).toEqual([]);
  });

  it("sends when the connection comes within the deadline", async () => {
    const { runtime, client, run } = setUp({ status: "reconnecting" });
    const running = run();
    await runtime.advance(900);
    client.become("ready");
    client.sent[0]?.resolve("yes");
    expect((await running).answer?.value).toBe("yes");
  });

  it("a write that is not answered is unknown; a read has merely timed out", async () => {
    const { runtime, run } = setUp();
    const [write, read] = [run(), run({ read: true })];
    await runtime.advance(1_000);
    expect(isQuorateError((await write).error, "OUTCOME_UNKNOWN")).toBe(true);
    const { error } = await read;
    expect(isQuorateError(error, "TIMEOUT") && error.effect).toBe("none");
  });

  it("a refusal for now is asked again, and is no doubt", async () => {
    const { runtime, client, run } = setUp();
    const running = run();
    for (let index = 0; index < 100; index++) {
      client.sent[index]?.reject(new Error("LOADING Redis is loading"));
      await runtime.advance(25);
    }
    expect(client.sent.length).toBeGreaterThan(10);
    const { error } = await running;
    expect(isQuorateError(error, "STORE_UNAVAILABLE") && error.message).toContain("LOADING");
  });

  it("a refusal after a lost answer is still a doubt", async () => {
    const { runtime, client, run } = setUp();
    const running = run();
    client.sent[0]?.reject(new Error("Connection is closed."));
    await runtime.advance(25);
    client.sent[1]?.reject(new Error("NOAUTH Authentication required."));
    expect(isQuorateError((await running).error, "OUTCOME_UNKNOWN")).toBe(true);
  });

  it("sends again itself what the client will never settle", async () => {
    const { runtime, client, run } = setUp({ resends: false });
    const running = run();
    client.become("close");
    client.become("ready");
    await runtime.advance(25);
    client.sent[1]?.resolve("yes");
    expect((await running).answer).toMatchObject({ value: "yes", steady: false });
  });

  it("never sends a publication a second time", async () => {
    const { runtime, client, run } = setUp();
    const running = run({ once: true });
    client.sent[0]?.reject(new Error("Connection is closed."));
    await runtime.advance(100);
    expect(client.sent.length).toBe(1);
    expect(isQuorateError((await running).error, "OUTCOME_UNKNOWN")).toBe(true);
  });

  it("an abort is the reason for a read, ABORTED for a write that may have happened", async () => {
    const { runtime, run } = setUp();
    const controller = new AbortController();
    const { signal } = controller;
    const [write, read] = [run({ signal }), run({ signal, read: true })];
    await runtime.advance(10);
    controller.abort(new Error("enough"));
    const { error } = await write;
    expect(isQuorateError(error, "ABORTED") && error.effect).toBe("unknown");
    expect((await read).error).toEqual(new Error("enough"));
  });

  it("a stalled event loop reads what has come before it judges", async () => {
    const { runtime, client, run } = setUp();
    const running = run();
    runtime.stall(5_000);
    const turning = runtime.advance(1);
    client.sent[0]?.resolve("yes");
    await turning;
    expect((await running).answer?.value).toBe("yes");
  });

  it("close settles all, and leaves no listener and no timer", async () => {
    const { runtime, client, link, run } = setUp();
    const running = run();
    link.close(() => new Error("closed"));
    expect(isQuorateError((await running).error, "OUTCOME_UNKNOWN")).toBe(true);
    expect(client.eventNames()).toEqual([]);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("a wrong password is told to whoever waits", async () => {
    const { client, run } = setUp({ status: "connecting" });
    const running = run();
    client.emit("error", new Error("WRONGPASS invalid username-password pair"));
    expect(isQuorateError((await running).error, "STORE_REFUSED")).toBe(true);
  });
});
