/**
 * Backends as the conformance suite wants them: one connection each, through a proxy of its own,
 * so that one link can be cut without the others noticing; and what can be done to such a link.
 */
import type { HarnessFaults, OpenOptions } from "@quorate/conformance";
import type { Backend } from "@quorate/core";
import { natsBackend, type NatsBackendOptions, type NatsConnectionLike } from "@quorate/nats";
import { startTcpProxy } from "../../scripts/servers/index.mjs";
import type { ProxyTarget, TcpProxy } from "../../scripts/servers/types.ts";
import { askApi, connectTo, type NatsClient, type OwnConnection } from "./nats-client.ts";

/** How long a link stays down on which a request was held. */
const OUTAGE_MS = 650;

/** Really waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Link {
  readonly proxy: TcpProxy;
  readonly connection: OwnConnection;
  /** Set: the next write of the backend is kept from the connection and handed here. */
  hold: ((send: (connection: OwnConnection) => void) => void) | undefined;
}

/** Where one backend is opened, and by what. */
export interface LinkPlan {
  readonly target: ProxyTarget;
  readonly client: NatsClient;
  readonly options?: NatsBackendOptions | undefined;
}

/** The faults of links, and of the stream that all share. */
export type LinkFaults = Pick<
  HarnessFaults,
  | "loseNextReply"
  | "holdNextRequest"
  | "cutLink"
  | "restoreLink"
  | "resetLink"
  | "cutSubscriptions"
  | "flush"
>;

/** The backends of one harness, each on a link of its own. */
export class NatsLinks {
  readonly #namespace: string;
  readonly #admin: OwnConnection;
  readonly #links = new Map<Backend, Link>();

  /** `admin` delivers stragglers and deletes the stream; it must be no backend's. */
  constructor(namespace: string, admin: OwnConnection) {
    this.#namespace = namespace;
    this.#admin = admin;
  }

  /** A backend that has seen its stream. Closing it closes its link. */
  async open(how: OpenOptions, { target, client, options }: LinkPlan): Promise<Backend> {
    const proxy = await startTcpProxy(target);
    const connection = await connectTo(client, proxy.url ?? "", { ignoreClusterUpdates: true });
    const link: Link = { proxy, connection, hold: undefined };
    const backend = natsBackend(tapped(link), {
      namespace: how.namespace ?? this.#namespace,
      requestTimeoutMs: how.requestTimeoutMs ?? 2_000,
      ...(how.runtime === undefined ? {} : { runtime: how.runtime }),
      ...options,
    });
    this.#links.set(backend, link);
    const close = backend.close.bind(backend);
    backend.close = async (closing) => {
      await close(closing);
      await connection.close();
      await proxy.close();
    };
    await backend.ready();
    return backend;
  }

  /** Closes every backend. */
  async close(): Promise<void> {
    const backends = [...this.#links.keys()];
    await Promise.all(backends.map((backend) => backend.close({ graceMs: 0 })));
  }

  faults(): LinkFaults {
    return {
      loseNextReply: (backend) => {
        const isWrite = (chunk: Buffer): boolean => chunk.includes("Nats-Msg-Id: ");
        const { proxy } = this.#of(backend);
        proxy.cutAfterNextRequest(isWrite).catch(() => {});
      },
      holdNextRequest: (backend) => this.#holdNext(this.#of(backend)),
      cutLink: (backend) => {
        const { proxy } = this.#of(backend);
        proxy.refuse(true);
        proxy.cutAll();
      },
      restoreLink: (backend) => this.#of(backend).proxy.refuse(false),
      resetLink: (backend) => this.#of(backend).proxy.cutAll(),
      cutSubscriptions: (backend) => this.#of(backend).proxy.cutAll(),
      flush: () => this.#deleteStream(),
    };
  }

  #of(backend: Backend): Link {
    const link = this.#links.get(backend);
    if (link === undefined) throw new Error("not a backend of this harness");
    return link;
  }

  #holdNext(link: Link): () => Promise<void> {
    let send: ((connection: OwnConnection) => void) | undefined;
    link.hold = (held) => {
      send = held;
      link.proxy.refuse(true);
      link.proxy.cutAll();
      // Long enough that the call ends without an answer, then the link comes back.
      void pause(OUTAGE_MS).then(() => link.proxy.refuse(false));
    };
    return async () => {
      send?.(this.#admin);
      await this.#admin.flush();
    };
  }

  async #deleteStream(): Promise<void> {
    const flushed = (): Promise<boolean> =>
      this.#admin.flush().then(
        () => true,
        () => false,
      );
    // After a restart of the server: wait until this link is back too.
    while (!(await flushed())) await pause(20);
    await askApi(this.#admin, `STREAM.DELETE.QUORATE_${this.#namespace}`);
  }
}

/** The user's connection, with a tap on what is published. */
function tapped(link: Link): NatsConnectionLike {
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

/** What the servers hold for their clients: consumers of the stream, and subscriptions. */
export async function resourcesOf(
  admin: OwnConnection,
  namespace: string,
  monitors: readonly number[],
): Promise<number> {
  const info = await askApi(admin, `STREAM.INFO.QUORATE_${namespace}`);
  const state = info["state"] as { consumer_count?: number } | undefined;
  const counts = await Promise.all(monitors.map(subscriptionCount));
  return counts.reduce((sum, count) => sum + count, state?.consumer_count ?? 0);
}

/** Subscriptions of all clients of one server. */
async function subscriptionCount(monitor: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${monitor}/connz`);
  const { connections } = (await response.json()) as { connections: { subscriptions: number }[] };
  return connections.reduce((sum, { subscriptions }) => sum + subscriptions, 0);
}
