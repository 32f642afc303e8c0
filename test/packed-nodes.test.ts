/**
 * The packed packages on every Node.js that we promise: 20, 22, 24 and 26, the oldest of them the
 * very version that the manifests name.
 *
 * On each: every entry of every package loads by `import` and by `require()`, both giving the same
 * classes; and one small fleet's day runs through the umbrella in memory, on Redis and on NATS.
 */
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { NODE_LINES, obtainNode, PINNED, type NodeLine } from "../scripts/nodes.mjs";
import { natsAvailable, redisAvailable } from "../scripts/servers/find.mjs";
import { startNats, startRedis } from "../scripts/servers/index.mjs";
import { run } from "../scripts/servers/run.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";
import { PACKED_TIMEOUT_MS, userFolder, type UserFolder } from "./support/packed.ts";
import { readSource } from "./support/repository.ts";
import { linkClients, linkPeers, shippedIn } from "./support/shipped.ts";

// Fetched before the tests are listed: one that cannot be had is named, and with CI=true fails.
const nodes = await Promise.all(NODE_LINES.map(look));

/** The simulator's worker is a program: it exports nothing. */
const EXPORTS_SOMETHING = `Object.keys(module).length > 0 || entry.endsWith("/worker")`;

interface Found {
  readonly program: string;
  readonly missing: string;
}

/** A machine that builds and tests other things, too, takes its time. */
const RUN_TIMEOUT_MS = 60_000;

let user: UserFolder | undefined;
let servers: ServerProcess[] = [];

beforeAll(async () => {
  user = await userFolder();
  const packages = shippedIn(user.dir);
  linkPeers(packages, user.dir);
  linkClients(user.dir, ["nats"]);
  const entries = packages.flatMap((pkg) => pkg.entries);
  user.write("load.mjs", importing(entries));
  user.write("load.cjs", requiring(entries));
  user.write("day.mjs", readSource("test/support/packed-day.mjs").text);
  servers = await Promise.all([
    ...(redisAvailable() ? [startRedis()] : []),
    ...(natsAvailable() ? [startNats()] : []),
  ]);
}, PACKED_TIMEOUT_MS);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  user?.remove();
});

async function look(line: NodeLine): Promise<[title: string, Found]> {
  try {
    const { path, version } = await obtainNode(line);
    return [`Node.js ${version}`, { program: path, missing: "" }];
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    const missing = (error as Error).message;
    return [missing, { program: "", missing }];
  }
}

function importing(entries: readonly string[]): string {
  const imports = entries.map((entry) => `["${entry}", await import("${entry}")],`).join("\n");
  return `
import assert from "node:assert/strict";
for (const [entry, module] of [${imports}]) {
  assert.ok(${EXPORTS_SOMETHING}, entry);
}
`;
}

/** First by `require()`, so that nothing is there already; then the import must be the same. */
function requiring(entries: readonly string[]): string {
  const required = entries.map((entry) => `["${entry}", require("${entry}")],`).join("\n");
  return `
const assert = require("node:assert/strict");
(async () => {
  for (const [entry, module] of [${required}]) {
    const imported = await import(entry);
    assert.ok(${EXPORTS_SOMETHING}, entry);
    for (const name of Object.keys(module)) assert.equal(imported[name], module[name], entry);
  }
})();
`;
}

describe.each(nodes)("on %s", (_, { program, missing }) => {
  it.skipIf(missing !== "").each(["load.mjs", "load.cjs"])(
    "every entry loads by %s",
    async (file) => {
      await runs(file, []);
    },
    RUN_TIMEOUT_MS,
  );

  it.skipIf(missing !== "")(
    "a day of a fleet runs in memory and on the servers",
    async () => {
      await runs(
        "day.mjs",
        servers.map(({ url }) => url),
      );
    },
    RUN_TIMEOUT_MS,
  );

  async function runs(file: string, args: readonly string[]): Promise<void> {
    const { ok, output } = await run(program, [join(user?.dir ?? "", file), ...args]);
    expect(ok, output).toBe(true);
    expect(output).toBe(""); // No warning either.
  }
});

describe("the oldest of them", () => {
  it("is the one that the manifests promise", () => {
    const { engines } = JSON.parse(readSource("package.json").text) as {
      engines: { node: string };
    };
    expect(engines.node).toBe(`>=${PINNED["20"].replace(/\.0$/, "")}`);
  });
});
