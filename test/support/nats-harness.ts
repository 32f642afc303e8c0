/**
 * A NATS server as the conformance suite wants it: one connection per backend, each through a
 * proxy of its own, so that one link can be cut without the others noticing.
 */
import { connect as connectV3 } from "@nats-io/transport-node";
import { connect as connectV2 } from "nats";

import type { Harness, HarnessFaults, OpenOptions } from "@quorate/conformance";
import { type Backend, systemRuntime } from "@quorate/core";
import { natsBackend, type NatsBackendOptions, type NatsConnectionLike } from "@quorate/nats";
import { startNats, startTcpProxy } from "../../scripts/servers/index.mjs";
import { freePort } from "../../scripts/servers/ports.mjs";
import type { NatsLine, ServerProcess, TcpProxy } from "../../scripts/servers/types.ts";

export type NatsClient = "nats" | "@nats-io/transport-node";

/** A connection that the test owns. */
export interface OwnConnection extends NatsConnectionLike {
  close(): Promise<void>;
}

/** Connects with the client named, patient for ever and quick to return. */
export async function connectTo(
  client: NatsClient,
  servers: string | string[],
  credentials: { user?: string; pass?: string } = {},
): Promise<OwnConnection> {
  const options = {
    servers,
    ...credentials,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    pingInterval: 5_000,
    timeout: 2_000,
  };
  return client === "nats" ? connectV2(options) : connectV3(options);
}

/** How long a link stays down on which a request was held. */
const OUTAGE_MS = 650;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A random namespace. */
export function freshNamespace(): string {
  return `t${systemRuntime.ids.operation()}`;
}

/** One answer of the JetStream API, as the server gave it. */
export async function askApi(
  connection: OwnConnection,
  subject: string,
  body: object = {},
): Promise<Record<string, unknown>> {
  const asker = connection as unknown as {
    request(
      subject: string,
      data: Uint8Array,
      options: { timeout: number },
    ): Promise<{ data: Uint8Array }>;
  };
  const data = Buffer.from(JSON.stringify(body));
  const answer = await asker.request(`$JS.API.${subject}`, data, { timeout: 5_000 });
  return JSON.parse(Buffer.from(answer.data).toString()) as Record<string, unknown>;
}

interface Opened {
  readonly proxy: TcpProxy;
  readonly connection: OwnConnection;
  /** Set: the next write of the backend is kept from the connection and handed here. */
  hold: ((send: (connection: OwnConnection) => void) => void) | undefined;
}

/** What a harness is started with. */
export interface NatsHarnessOptions {
  readonly version: NatsLine;
  readonly client: NatsClient;
  readonly backend?: NatsBackendOptions;
}

/** Starts a server and opens backends on it. */
export async function natsHarness(options: NatsHarnessOptions): Promise<Harness> {
  const monitor = await freePort();
  const server = await startNats({
    version: options.version,
    config: `http: "127.0.0.1:${monitor}"`,
  });
  const admin = await connectTo(options.client, server.url);
  const namespace = freshNamespace();
  const opened = new Map<Backend, Opened>();

  const open = async (how: OpenOptions = {}): Promise<Backend> => {
    const proxy = await startTcpProxy(server);
    const connection = await connectTo(options.client, proxy.url ?? "");
    const link: Opened = { proxy, connection, hold: undefined };
    const backend = natsBackend(tapped(link), {
      namespace: how.namespace ?? namespace,
      requestTimeoutMs: how.requestTimeoutMs ?? 2_000,
      ...(how.runtime === undefined ? {} : { runtime: how.runtime }),
      ...options.backend,
    });
    opened.set(backend, link);
    const close = backend.close.bind(backend);
    backend.close = async (closing) => {
      await close(closing);
      await connection.close();
      await proxy.close();
    };
    await backend.ready();
    return backend;
  };

  return {
    name: `nats-server ${server.version}, client ${options.client}`,
    open,
    pass: pause,
    faults: faultsOf(server, admin, namespace, (backend) => linkOf(opened, backend)),
    serverResources: async () => {
      const consumers = await consumerCount(admin, namespace);
      return consumers + (await subscriptionCount(monitor));
    },
    close: async () => {
      await Promise.all([...opened.keys()].map((backend) => backend.close({ graceMs: 0 })));
      await admin.close();
      await server.stop();
    },
  };
}

function linkOf(opened: ReadonlyMap<Backend, Opened>, backend: Backend): Opened {
  const link = opened.get(backend);
  if (link === undefined) throw new Error("not a backend of this harness");
  return link;
}

function faultsOf(
  server: ServerProcess,
  admin: OwnConnection,
  namespace: string,
  link: (backend: Backend) => Opened,
): Partial<HarnessFaults> {
  return {
    loseNextReply(backend) {
      const isWrite = (chunk: Buffer): boolean => chunk.includes("Nats-Msg-Id: ");
      link(backend)
        .proxy.cutAfterNextRequest(isWrite)
        .catch(() => {});
    },
    holdNextRequest(backend) {
      const target = link(backend);
      let send: ((connection: OwnConnection) => void) | undefined;
      target.hold = (held) => {
        send = held;
        target.proxy.refuse(true);
        target.proxy.cutAll();
        // Long enough that the call ends without an answer, then the link comes back.
        void pause(OUTAGE_MS).then(() => target.proxy.refuse(false));
      };
      return async () => {
        send?.(admin);
        await admin.flush();
      };
    },
    cutLink(backend) {
      link(backend).proxy.refuse(true);
      link(backend).proxy.cutAll();
    },
    restoreLink: (backend) => link(backend).proxy.refuse(false),
    resetLink: (backend) => link(backend).proxy.cutAll(),
    cutSubscriptions: (backend) => link(backend).proxy.cutAll(),
    freeze: () => server.pause(),
    thaw: () => server.resume(),
    killServer: () => server.kill(),
    restartServer: () => server.restart(),
    flush: async () => {
      // After a restart of the server: wait until this link is back too.
      while (
        !(await admin.flush().then(
          () => true,
          () => false,
        ))
      )
        await pause(20);
      await askApi(admin, `STREAM.DELETE.QUORATE_${namespace}`);
    },
  };
}

/** The user's connection, with a tap on what is published. */
function tapped(link: Opened): NatsConnectionLike {
  const { connection } = link;
  return new Proxy(connection, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property === "publish") {
        return (subject: string, data?: Uint8Array, how: object = {}): void => {
          const { hold } = link;
          const isWrite = /^[^.]+\.(?:kv|l)\./.test(subject);
          if (hold === undefined || !isWrite) return target.publish(subject, data, how);
          link.hold = undefined;
          // Answers to a straggler go nowhere: the question was another connection's.
          hold((other) => other.publish(subject, data, { ...how, reply: "" }));
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function consumerCount(admin: OwnConnection, namespace: string): Promise<number> {
  const info = await askApi(admin, `STREAM.INFO.QUORATE_${namespace}`);
  return (info["state"] as { consumer_count?: number } | undefined)?.consumer_count ?? 0;
}

/** Subscriptions of all clients. */
async function subscriptionCount(monitor: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${monitor}/connz`);
  const { connections } = (await response.json()) as { connections: { subscriptions: number }[] };
  return connections.reduce((sum, { subscriptions }) => sum + subscriptions, 0);
}
