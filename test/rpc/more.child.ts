/**
 * A process that is going to be killed: a server whose answers never leave, and a client whose call
 * is under way.
 */
import "../support/with-parent.ts";
import type { Backend, Message, MessageBus } from "@quorate/core";
import { createIdempotency } from "@quorate/idempotency";
import { client, serve } from "@quorate/rpc";

import { connect } from "../idempotency/connect.ts";
import { LEASE_MS, Till, Waits } from "./more.contract.ts";

const { ENGINE = "", URL: url = "", NAMESPACE = "" } = process.env;
const { backend } = await connect(ENGINE, url, NAMESPACE);
const tell = (kind: string): void => void process.send?.(kind);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The bus of a process that dies just before it answers a payment. */
function mute(bus: MessageBus): MessageBus {
  return {
    publish: (subject, data, options) => bus.publish(subject, data, options),
    request: (subject, data, options) => bus.request(subject, data, options),
    subscribe: (target, handler, options) =>
      bus.subscribe(target, (message) => handler(muted(message)), options),
  };
}

function muted(message: Message): Message {
  const { respond } = message;
  if (respond === undefined || !Buffer.from(message.data).includes('"pay"')) return message;
  return {
    ...message,
    respond: () => {
      tell("answering");
      return new Promise(() => {});
    },
  };
}

async function asServer(): Promise<void> {
  const { capabilities, kv, leases, name, runtime } = backend;
  const dying: Backend = {
    ...{ name, kv, leases, capabilities, runtime, bus: mute(backend.bus) },
    ready: () => backend.ready(),
    health: () => backend.health(),
    close: () => backend.close(),
    [Symbol.asyncDispose]: () => backend.close(),
  };
  const idempotency = createIdempotency(backend, { name: "till", leaseMs: LEASE_MS });
  await serve(
    dying,
    Till,
    {
      pay: async (_, { key }) => {
        await kv.put(`effects/${key}`, "by the first", { expect: "absent" });
        if (key === "effect") {
          tell("effect");
          await sleep(600_000);
        }
        return "by the first";
      },
      ticks: async function* () {
        for (let at = 0; ; at++) {
          yield at;
          await sleep(20);
        }
      },
    },
    { idempotency },
  );
  tell("ready");
}

async function asClient(): Promise<void> {
  const waits = client(backend, Waits, { presence: { leaseMs: LEASE_MS } });
  await waits.ping("first");
  await sleep(300); // The lease does not keep a call waiting; here it is waited for.
  void waits.wait("for ever");
}

await Promise.all([asServer(), asClient()]);
