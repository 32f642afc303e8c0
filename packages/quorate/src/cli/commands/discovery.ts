/**
 * The registry: which instances of which services there are.
 */
import { QuorateError, withDeadline } from "@quorate/core";
import {
  createRegistry,
  type Endpoint,
  type ServiceSnapshot,
  type ServiceView,
} from "@quorate/discovery";
import type { Command, Context, Row } from "../command.ts";

/** Where services keep the leases of their instances. */
const INSTANCES = "member/service/";
/** Services that are asked about at once, and how long each answer is waited for. */
const MOST_SERVICES = 500;
const ANSWER_MS = 5_000;

const list: Command = {
  path: ["discovery", "ls"],
  args: [],
  summary: "every instance of every service: version, zone, weight, state",
  options: [{ name: "service", value: "NAME", summary: "only those of one service" }],
  examples: ["quorate discovery ls --service billing"],
  async run(context) {
    const { option, show, say } = context;
    const only = option("service");
    const found = only === undefined ? await servicesOf(context) : [only];
    const rows: Row[] = [];
    for (const service of found.slice(0, MOST_SERVICES))
      rows.push(...(await rowsOf(context, service)));
    show(rows, only === undefined ? "no service is registered" : `no instance of ${only}`);
    if (found.length > MOST_SERVICES) say(`and ${found.length - MOST_SERVICES} services more`);
    return only !== undefined && rows.length === 0 ? 1 : 0;
  },
};

/** The commands about services. */
export const DISCOVERY_COMMANDS: readonly Command[] = [list];

async function servicesOf({ q, terminal }: Context): Promise<string[]> {
  const names = new Set<string>();
  for await (const { name } of q.backend.leases.list(INSTANCES, { signal: terminal.signal })) {
    const path = name.slice(INSTANCES.length);
    names.add(path.slice(0, path.lastIndexOf("/")));
  }
  return [...names].toSorted();
}

async function rowsOf({ q, terminal }: Context, service: string): Promise<Row[]> {
  const { runtime } = q.backend;
  await using registry = createRegistry(q.backend);
  const details = { operation: `instances of ${service}`, timeoutMs: ANSWER_MS };
  const known = await withDeadline(runtime, whole(registry.service(service)), {
    timeoutMs: ANSWER_MS,
    signal: terminal.signal,
    onTimeout: () =>
      new QuorateError("TIMEOUT", `the store did not tell the instances of ${service}`, {
        effect: "none",
        details,
      }),
  });
  const all = new Set([...known.endpoints, ...known.draining]);
  return [...all].map((endpoint) => rowOf(endpoint, runtime.time.wallMs()));
}

/** The first list that the store vouches for. */
async function whole(view: ServiceView): Promise<Pick<ServiceSnapshot, "endpoints" | "draining">> {
  for await (const snapshot of view.watch()) {
    if (!snapshot.isStale) return snapshot;
  }
  return { endpoints: [], draining: [] };
}

function rowOf(endpoint: Endpoint, nowMs: number): Row {
  const { service, id, version, zone, weight, state, address, ageMs } = endpoint;
  const since = new Date(nowMs - ageMs);
  return { service, version, state, zone, weight, since, address, instance: id };
}
