import { ScriptedRuntime } from "@quorate/core/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeConnection } from "../fake-connection.fixture.ts";
import { type Answer, Exchange, type Question } from "./exchange.ts";
import { Link } from "./link.ts";

let runtime: ScriptedRuntime;
let connection: FakeConnection;
let exchange: Exchange;
let link: Link;

beforeEach(() => {
  runtime = new ScriptedRuntime();
  connection = new FakeConnection();
  link = new Link(connection, runtime);
  exchange = new Exchange(link, runtime, (id) => `n.i.${id}.`);
});

function ask(more: Partial<Question> = {}): Promise<Answer> {
  const data = new Uint8Array(0);
  return exchange.ask({ subject: "s", data, timeoutMs: 1_000, signal: undefined, ...more });
}

const noResponders = {
  code: 503,
  description: "",
  get: () => "",
  [Symbol.iterator]: () => [][Symbol.iterator](),
};

describe("a question", () => {
  it("finds its answer among those in flight, over one subscription", async () => {
    const [first, second] = [ask(), ask()];
    connection.answer(1, { data: Buffer.from("two") });
    connection.answer(0, { data: Buffer.from("one") });
    expect(await first).toMatchObject({ kind: "message", message: { data: Buffer.from("one") } });
    expect(await second).toMatchObject({ message: { data: Buffer.from("two") }, sameLink: true });
    expect(connection.subscriptions.size).toBe(1);
    expect([exchange.inFlight, runtime.pendingTimers]).toEqual([0, 0]);
  });

  it("ends in silence after its time; a later answer is dropped", async () => {
    const asked = ask();
    await runtime.advance(1_000);
    expect(await asked).toEqual({ kind: "silence", why: "timeout" });
    connection.answer(0);
    expect(exchange.inFlight).toBe(0);
  });

  it("learns at once that nobody listens", async () => {
    const asked = ask();
    connection.answer(0, { data: new Uint8Array(0), headers: noResponders });
    expect(await asked).toEqual({ kind: "no-responders" });
  });

  it("ends when the link dies, unless it may outlive it", async () => {
    const [mortal, patient] = [ask(), ask({ outlivesLink: true })];
    await connection.bounce();
    expect(await mortal).toEqual({ kind: "silence", why: "link lost" });
    connection.answer(1);
    // It was answered over another link than it was asked: a no would prove nothing.
    expect(await patient).toMatchObject({ kind: "message", sameLink: false });
  });

  it("is not handed to a client without a link", async () => {
    await connection.tell("disconnect");
    expect(await ask()).toMatchObject({ kind: "not-sent" });
    expect(connection.published).toEqual([]);
  });

  it("that the client refuses to send was not sent", async () => {
    connection.refuses = new Error("max_payload size exceeded");
    expect(await ask()).toMatchObject({ kind: "not-sent", cause: connection.refuses });
    expect([exchange.inFlight, runtime.pendingTimers]).toEqual([0, 0]);
  });

  it.each([
    ["2.x", { permissionContext: { operation: "publish", subject: "s" } }],
    ["3.x", { error: { operation: "publish", subject: "s" } }],
  ])("that the server forbids is told as such (client %s)", async (_client, status) => {
    const [forbidden, allowed] = [ask(), ask({ subject: "other" })];
    await connection.tell("error", status);
    expect(await forbidden).toMatchObject({ kind: "refused" });
    connection.answer(1);
    expect((await allowed).kind).toBe("message");
  });

  it("ends by its signal, and with the exchange", async () => {
    const controller = new AbortController();
    const [aborted, cut] = [ask({ signal: controller.signal }), ask()];
    controller.abort();
    expect(await aborted).toEqual({ kind: "silence", why: "aborted" });
    exchange.close();
    expect(await cut).toEqual({ kind: "silence", why: "closed" });
    expect(await ask()).toMatchObject({ kind: "not-sent" });
    expect(connection.subscriptions.size).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  });
});

describe("the link", () => {
  it("has another name after each reconnect, and none while it is down", async () => {
    const before = link.epoch;
    await connection.tell("disconnect");
    expect(link.epoch).toBeUndefined();
    connection.info = { ...connection.info, client_id: 9 };
    await connection.tell("reconnect");
    expect(link.epoch).not.toBe(before);
  });

  it("is waited for no longer than asked", async () => {
    await connection.tell("disconnect");
    const [short, long] = [link.whenUp(100, undefined), link.whenUp(1_000, undefined)];
    await runtime.advance(100);
    expect(await short).toBe(false);
    await connection.tell("reconnect");
    expect(await long).toBe(true);
    expect(runtime.pendingTimers).toBe(0);
  });

  it("to a frozen server is dialled anew, once", async () => {
    connection.answersPings = false;
    link.suspect();
    link.suspect();
    await runtime.advance(1_999);
    expect(connection.reconnects).toBe(0);
    await runtime.advance(1);
    expect(connection.reconnects).toBe(1);
    expect(runtime.recorded).toContainEqual({
      name: "nats",
      event: { kind: "link-frozen", server: "S" },
    });
  });

  it("to a server that answers the ping stays", async () => {
    link.suspect();
    await runtime.advance(10_000);
    expect(connection.reconnects).toBe(0);
  });

  it("of a client that gave up is closed for ever, and nobody waits for it", async () => {
    await connection.tell("disconnect");
    const waiting = link.whenUp(60_000, undefined);
    await connection.giveUp();
    expect(await waiting).toBe(false);
    expect(link.closedForEver).toBe(true);
    expect(await link.whenUp(60_000, undefined)).toBe(false);
  });
});
