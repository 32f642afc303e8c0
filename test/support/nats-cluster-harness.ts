/**
 * Three NATS nodes with three copies of the stream, as the conformance suite wants them.
 *
 * Backends are dealt to the nodes and to the two clients in turn. Each stays with its node even
 * when that one dies: its link is the thing under test, and a client that wanders off to another
 * node could not be cut.
 */
import type { Harness, HarnessFaults } from "@quorate/conformance";
import { startNatsCluster } from "../../scripts/servers/index.mjs";
import { freePort } from "../../scripts/servers/ports.mjs";
import type { NatsCluster, NatsLine, ServerProcess } from "../../scripts/servers/types.ts";
import { askApi, connectTo, freshNamespace, type OwnConnection } from "./nats-client.ts";
import { NatsLinks, pause, resourcesOf } from "./nats-links.ts";

const NODES = 3;
/** A leader's death takes 4 to 7 s, a cold start not much longer. */
const LONGEST_ELECTION_MS = 50_000;
/** A question that has no leader is not answered, ever. */
const ANSWER_MS = 300;

/** Starts a cluster and opens backends on it, each on the next node and by the other client. */
export async function natsClusterHarness(version: NatsLine): Promise<Harness> {
  const monitors = await Promise.all(Array.from({ length: NODES }, () => freePort()));
  const nodeConfig = (index: number): string => `http: "127.0.0.1:${monitors[index]}"`;
  const cluster = await startNatsCluster({ version, nodes: NODES, nodeConfig });
  const admin = await connectTo("nats", [...cluster.urls]);
  const namespace = freshNamespace();
  const links = new NatsLinks(namespace, admin);
  const rig = new Rig(cluster, admin, namespace);
  let count = 0;
  return {
    name: `three nodes of nats-server ${cluster.nodes[0]?.version}, both clients in turn`,
    open: async (how = {}) => {
      await rig.whole();
      const index = count++;
      const client = index % 2 === 0 ? "nats" : "@nats-io/transport-node";
      return links.open(how, { target: rig.node(index % NODES), client, options: { replicas: 3 } });
    },
    pass: pause,
    faults: { ...links.faults(), ...rig.faults() },
    serverResources: () => resourcesOf(admin, namespace, monitors),
    close: async () => {
      await links.close();
      await admin.close();
      await cluster.stop();
    },
  };
}

/** What can be done to the nodes. */
class Rig {
  readonly #cluster: NatsCluster;
  readonly #admin: OwnConnection;
  readonly #namespace: string;
  /** The node that was killed is coming back. */
  #returning: Promise<void> = Promise.resolve();

  constructor(cluster: NatsCluster, admin: OwnConnection, namespace: string) {
    this.#cluster = cluster;
    this.#admin = admin;
    this.#namespace = namespace;
  }

  node(index: number): ServerProcess {
    const node = this.#cluster.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  /** Resolves when no node is away. */
  whole(): Promise<void> {
    return this.#returning;
  }

  faults(): Partial<HarnessFaults> {
    const { nodes } = this.#cluster;
    return {
      freeze: () => nodes.forEach((node) => node.pause()),
      thaw: () => nodes.forEach((node) => node.resume()),
      killServer: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
      restartServer: async () => {
        await Promise.all(nodes.map((node) => node.restart()));
        await this.#until("a leader after the restart", async () => {
          return (await this.#leader()) !== undefined && (await this.#serves());
        });
      },
      failover: () => this.#failover(),
    };
  }

  async #failover(): Promise<void> {
    await this.whole();
    const old = await this.#leader();
    if (old === undefined) throw new Error("there is no leader to kill");
    await this.node(old).kill();
    await this.#until("another leader", async () => {
      const leader = await this.#leader();
      return leader !== undefined && leader !== old && (await this.#serves());
    });
    this.#returning = this.node(old).restart();
    // Told to whoever opens next.
    this.#returning.catch(() => {});
  }

  /** Number of the stream's leader. */
  async #leader(): Promise<number | undefined> {
    const info = await this.#ask(`STREAM.INFO.QUORATE_${this.#namespace}`);
    const leader = (info["cluster"] as { leader?: string } | undefined)?.leader;
    return leader === undefined ? undefined : Number(leader.slice(1));
  }

  /**
   * Whether a majority takes what is proposed, of the stream (purging a subject that has nothing
   * harms nobody) and of the cluster, whose own leader alone answers for names.
   */
  async #serves(): Promise<boolean> {
    const purge = { filter: `${this.#namespace}.i.nothing` };
    const answer = await this.#ask(`STREAM.PURGE.QUORATE_${this.#namespace}`, purge);
    if (answer["success"] !== true) return false;
    return (await this.#ask("STREAM.NAMES"))["error"] === undefined;
  }

  #ask(subject: string, body: object = {}): Promise<Record<string, unknown>> {
    return askApi(this.#admin, subject, body, ANSWER_MS);
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + LONGEST_ELECTION_MS;
    let last: unknown;
    while (performance.now() < endMs) {
      const held = await holds().catch((error: unknown) => void (last = error));
      if (held === true) return;
      await pause(50);
    }
    throw new Error(`not within ${LONGEST_ELECTION_MS} ms: ${what}`, { cause: last });
  }
}
