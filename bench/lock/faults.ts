/**
 * Not a claim, but what decides in an outage: how long two common faults take, by library.
 *
 * They are claims of the test suites, where they are judged on every run; here they stand beside
 * the rivals' figures.
 */
import { startTcpProxy } from "../../scripts/servers/index.mjs";
import { nowMs, sleep } from "../harness/clock.ts";
import type { Section } from "../harness/report.ts";
import { figure } from "../harness/table.ts";
import type { Entrant, Environment } from "./environment.ts";

const LOST_TTL_MS = 3_000;
const SHORT_TTL_MS = 200;
/** Longer than any library takes that answers at all. */
const PATIENCE_MS = 6_000;
/** Answers that say something by themselves. */
const PLAIN = new Set(["string", "number", "boolean"]);

/** Runs both faults, all libraries at once. */
export async function measureFaults(environment: Environment): Promise<Section> {
  const rows = await Promise.all(
    environment.entrants.map(async (entrant) => [
      entrant.contender.title,
      await lostReply(environment, entrant),
      await expiredRelease(environment, entrant),
    ]),
  );
  return {
    title: "Faults (for information)",
    method:
      `Lost reply: the connection is cut after the server has executed an acquire (TTL ` +
      `${LOST_TTL_MS} ms) and before its answer arrives; nobody else wants the lock; time until ` +
      `acquire resolves. Expired: release of a lock whose ${SHORT_TTL_MS} ms have passed.`,
    tables: [{ head: ["library", "acquire, reply lost", "release of an expired lock"], rows }],
    claims: [],
  };
}

async function lostReply(environment: Environment, { contender }: Entrant): Promise<string> {
  const { hostname, port } = new URL(environment.url);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const session = await contender.open(`redis://${proxy.host}:${proxy.port}`);
  const name = environment.name("lost");
  const mark = Buffer.from(name);
  const cut = proxy.cutAfterNextRequest((chunk) => chunk.includes(mark));
  const startedMs = nowMs();
  const acquiring = session.acquire(name, { ttlMs: LOST_TTL_MS });
  const [outcome] = await Promise.all([settle(acquiring), cut]);
  const tookMs = nowMs() - startedMs;
  await acquiring.then((held) => held.release()).catch(() => {});
  await session.close();
  await proxy.close();
  return `${outcome}${figure(tookMs)} ms`;
}

async function expiredRelease(environment: Environment, { session }: Entrant): Promise<string> {
  const options = { ttlMs: SHORT_TTL_MS, renew: false };
  const held = await session.acquire(environment.name("expired"), options);
  await sleep(SHORT_TTL_MS * 2);
  const startedMs = nowMs();
  const outcome = await settle(held.release());
  return `${outcome}${figure(nowMs() - startedMs)} ms`;
}

/** Empty for a promise that resolved, else what it did instead. */
async function settle(promise: Promise<unknown>): Promise<string> {
  const late = sleep(PATIENCE_MS).then(() => "nothing for ");
  const told = promise.then(
    (answer) => (PLAIN.has(typeof answer) ? `${JSON.stringify(answer)}, ` : ""),
    (error: unknown) => `${error instanceof Error ? error.name : "error"}, `,
  );
  return Promise.race([told, late]);
}
