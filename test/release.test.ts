/**
 * A release, without a registry that matters: what forbids it, the order, the bills of materials,
 * and that a release which stopped half-way goes on where it stopped.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { complaintsOf, orderOf, problemsOf, publishAll } from "../scripts/release/plan.mjs";
import { npmRegistry } from "../scripts/release/registry.mjs";
import { billsOfMaterials } from "../scripts/release/sbom.mjs";
import { mustRun } from "../scripts/servers/run.mjs";
import { readPackages } from "../scripts/workspace.mjs";

const manifests = readPackages().map(({ manifest }) => manifest);
const version = manifests[0]?.version ?? "";
const ready = {
  version,
  manifests,
  changelog: `# Changelog\n\n## ${version} - 2026-11-30\n`,
  changes: "",
  head: "a".repeat(40),
  tagged: undefined,
};

describe("what forbids a release", () => {
  it("is nothing when all is well, also on a second try from the same commit", () => {
    expect(problemsOf(ready)).toEqual([]);
    expect(problemsOf({ ...ready, tagged: ready.head })).toEqual([]);
  });

  it.each([
    ["a file that is not committed", { changes: " M README.md\n" }, /not clean: 1 files/],
    ["a changelog without the version", { changelog: "## Unreleased\n" }, /no heading/],
    ["a longer version in the changelog", { changelog: `## ${version}-rc.1\n` }, /no heading/],
    ["a tag on another commit", { tagged: "b".repeat(40) }, /bbbbbbbbb, which is not/],
    ["a word for a version", { version: "latest" }, /no version/],
  ])("is %s", (_, change, problem) => {
    expect(problemsOf({ ...ready, ...change }).join("\n")).toMatch(problem);
  });

  it("is a package out of step, or one that asks for a range of ours", () => {
    const [core, ...others] = manifests.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const late = { ...core, name: "@quorate/late", version: "0.0.9", exports: {} };
    const loose = { ...late, version, dependencies: { "@quorate/core": `^${version}` } };
    const problems = problemsOf({ ...ready, manifests: [...others, late, loose] });
    expect(problems).toEqual([
      expect.stringMatching(/^@quorate\/late has version 0\.0\.9/),
      expect.stringMatching(/asks for @quorate\/core \^/),
    ]);
  });
});

describe("the order", () => {
  it("puts every package after what it needs", () => {
    const order = orderOf(manifests).map(({ name }) => name);
    expect(order.toSorted()).toEqual(manifests.map(({ name }) => name).toSorted());
    const late = manifests.flatMap(({ name, dependencies, peerDependencies }) =>
      Object.keys({ ...dependencies, ...peerDependencies })
        .filter((needed) => order.indexOf(needed) > order.indexOf(name))
        .map((needed) => `${name} before ${needed}`),
    );
    expect(late).toEqual([]);
  });

  it("names a ring", () => {
    const one = (name: string, needs: string) =>
      ({ name, version, exports: {}, dependencies: { [needs]: version } }) as const;
    expect(() => orderOf([one("a", "b"), one("b", "a")])).toThrow("a ring of packages: a, b");
  });
});

describe("a tarball", () => {
  const manifest = {
    name: "x",
    version,
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
    bin: { x: "./dist/cli.js" },
  };
  const files = ["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"];

  it("has what its manifest names, and nothing but the built files", () => {
    expect(complaintsOf(manifest, [...files, "dist/cli.js"])).toEqual([]);
    expect(complaintsOf(manifest, [...files, "src/index.ts"])).toEqual([
      "x lacks dist/cli.js",
      "x ships src/index.ts",
    ]);
  });
});

describe("the bills of materials", () => {
  const bills = billsOfMaterials();

  it("name what npm installs with each package, with licence and hash, and no peer", () => {
    const of = (name: string) => bills.get(name)?.components.map((one) => one.name) ?? [];
    expect(of("@quorate/core")).toEqual(["uuid"]);
    expect(of("@quorate/redis")).toEqual(["@quorate/core", "uuid"]);
    expect(of("quorate")).toEqual(expect.arrayContaining(["croner", "semver", "uuid"]));
    const foreign = [...bills.values()].flatMap(({ components }) =>
      components.filter(({ name }) => !name.startsWith("@quorate/") && name !== "quorate"),
    );
    expect(foreign.filter(({ hashes, licenses }) => !hashes || licenses.length === 0)).toEqual([]);
    expect([
      ...new Set(foreign.flatMap((one) => one.licenses.map(({ license }) => license.id))),
    ]).toEqual(expect.arrayContaining(["MIT"]));
  });

  it("are the same bytes each time, and every reference in them leads somewhere", () => {
    expect(JSON.stringify([...billsOfMaterials()])).toBe(JSON.stringify([...bills]));
    const dead = [...bills.values()].flatMap(({ metadata, components, dependencies }) => {
      const known = new Set([metadata.component, ...components].map((one) => one["bom-ref"]));
      return dependencies.flatMap(({ ref, dependsOn }) =>
        [ref, ...dependsOn].filter((one) => !known.has(one)),
      );
    });
    expect(dead).toEqual([]);
  });

  it("refuse what the lock file does not have", () => {
    const stray = {
      name: "x",
      version,
      license: "MIT",
      exports: {},
      dependencies: { gone: "1.0.0" },
    };
    expect(() => billsOfMaterials([{ manifest: stray }], {})).toThrow("gone is not in the lock");
  });
});

describe("publishing", () => {
  const tarballs = ["a", "b", "c"].map((name) => ({
    name,
    file: name,
    integrity: `sha512-${name}`,
  }));
  const registryOf = (there: Map<string, string>, failsAt?: string) => ({
    integrityOf: async (name: string) => there.get(name),
    publish: async ({ name, integrity }: { name: string; integrity: string }) => {
      if (name === failsAt) throw new Error("the line is down");
      if (there.has(name)) throw new Error(`${name} is published twice`);
      there.set(name, integrity);
    },
  });
  const quiet = (): void => {};

  it("goes on where it stopped, and does nothing a third time", async () => {
    const there = new Map<string, string>();
    const first = publishAll(tarballs, registryOf(there, "b"), quiet);
    await expect(first).rejects.toThrow("the line is down");
    expect([...there.keys()]).toEqual(["a"]);
    expect(await publishAll(tarballs, registryOf(there), quiet)).toEqual(["b", "c"]);
    expect(await publishAll(tarballs, registryOf(there), quiet)).toEqual([]);
  });

  it("publishes nothing at all if one package is out with other content", async () => {
    const there = new Map([["c", "sha512-other"]]);
    await expect(publishAll(tarballs, registryOf(there), quiet)).rejects.toThrow(/c is out with/);
    expect([...there.keys()]).toEqual(["c"]);
  });
});

describe("npm, as we call it,", () => {
  let home = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "quorate-release-"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
  });

  it("puts a tarball where it then finds it, and tells no registry from no package", async () => {
    const shelf = new Map<string, { versions: Record<string, { dist: { integrity: string } }> }>();
    const server = createServer((request, response) => {
      const name = decodeURIComponent((request.url ?? "").slice(1));
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        if (request.method === "PUT") shelf.set(name, JSON.parse(body));
        const found = shelf.get(name);
        response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(found ?? { error: "not found" }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = join(home, "npmrc");
    const lines = [`registry=http://${host}/`, `//${host}/:_authToken=t`, "fetch-retries=0"];
    writeFileSync(settings, [...lines, `cache=${join(home, "cache")}`].join("\n"));
    vi.stubEnv("NPM_CONFIG_USERCONFIG", settings);
    vi.stubEnv("npm_config_registry", `http://${host}/`);

    const dir = join(home, "package");
    mkdirSync(dir);
    writeFileSync(join(dir, "package.json"), JSON.stringify({ name: "@quorate/x", version }));
    const packed = await mustRun("npm", ["pack", dir, "--json", "--silent"], { cwd: home });
    const { filename, integrity } = JSON.parse(packed.slice(packed.indexOf("[")))[0];
    const registry = npmRegistry(version, { provenance: false });
    expect(await registry.integrityOf("@quorate/x")).toBeUndefined();
    const file = join(home, filename as string);
    expect(readFileSync(file).length).toBeGreaterThan(0);
    await registry.publish({ name: "@quorate/x", file, integrity: integrity as string });
    expect(await registry.integrityOf("@quorate/x")).toBe(integrity);

    await new Promise((resolve) => server.close(resolve));
    await expect(registry.integrityOf("@quorate/y")).rejects.toThrow(/npm view @quorate\/y/);
  }, 60_000);
});
