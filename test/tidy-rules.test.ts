/** The rules of tidiness, tried on snippets that break them. */
import { describe, expect, it } from "vitest";

import type { Finding } from "./tidy/finding.ts";
import { checkCycles, checkLayers } from "./tidy/layers.ts";
import { checkEntries, checkManifest, checkPins, checkReferences } from "./tidy/package-rules.ts";
import {
  checkExports,
  checkFinished,
  checkLua,
  checkRuntime,
  checkSizes,
} from "./tidy/source-rules.ts";

const path = "packages/lock/src/bad.ts";

function lines(findings: readonly Finding[]): number[] {
  return findings.map(({ line }) => line);
}

describe("layers", () => {
  const importing = (from: string, specifier: string) =>
    checkLayers([{ path: from, text: `import { x } from "${specifier}";\n` }]);

  it("refuse an import from above, from beside and from an unknown package", () => {
    expect(lines(importing("packages/core/src/a.ts", "@quorate/lock"))).toEqual([1]);
    expect(lines(importing("packages/redis/src/a.ts", "@quorate/memory"))).toEqual([1]);
    expect(lines(importing("packages/lock/src/a.ts", "@quorate/nonsense"))).toEqual([1]);
    expect(lines(importing("packages/lock/src/a.ts", "quorate"))).toEqual([1]);
    expect(lines(importing("packages/lock/src/a.ts", "../../core/src/x.ts"))).toEqual([1]);
  });

  it("allow an import from below, and anything in a test", () => {
    expect(importing("packages/lock/src/a.ts", "@quorate/core/testing")).toEqual([]);
    expect(importing("packages/lock/src/a.ts", "./b.ts")).toEqual([]);
    expect(importing("packages/core/src/a.test.ts", "@quorate/lock")).toEqual([]);
  });

  it("see types, re-exports and dynamic imports", () => {
    const text = [
      `import type { x } from "@quorate/lock";`,
      `export { x } from "@quorate/lock";`,
      `const y = await import("@quorate/lock");`,
      `type Z = import("@quorate/lock").Z;`,
    ].join("\n");
    expect(lines(checkLayers([{ path: "packages/core/src/a.ts", text }]))).toEqual([1, 2, 3, 4]);
  });

  it("find a ring of three files, once", () => {
    const files = ["a", "b", "c"].map((name, index, all) => ({
      path: `packages/lock/src/${name}.ts`,
      text: `import { x } from "./${all[(index + 1) % 3]}.ts";\n`,
    }));
    const findings = checkCycles(files);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.problem).toContain("a.ts → ");
  });
});

describe("the runtime rule", () => {
  it.each([
    "const t = Date.now();",
    "const t = new Date();",
    "const t = performance.now();",
    "const t = process.hrtime.bigint();",
    "const n = Math.random();",
    "const later = setTimeout(() => {}, 1);",
    "const timer = globalThis.setInterval;",
    "const schedule = setImmediate;",
    "const signal = AbortSignal.timeout(5);",
    "console.log(1);",
    "const id = crypto.randomUUID();",
    'import { randomBytes } from "node:crypto";',
    'import { randomUUID as id } from "node:crypto";',
    'import { setTimeout as sleep } from "node:timers/promises";',
    'import { v7 } from "uuid";',
  ])("finds %s", (text) => {
    expect(lines(checkRuntime({ path, text }))).toContain(1);
  });

  it.each([
    "const t = new Date(0);",
    "const t = runtime.time.setTimeout(f, 1);",
    "interface Timers { setTimeout(f: () => void): void }",
    "const d = Math.max(1, 2);",
    'import { createHash } from "node:crypto";',
    "// Date.now() in a comment",
    'const word = "Math.random()";',
  ])("lets %s pass", (text) => {
    expect(checkRuntime({ path, text })).toEqual([]);
  });
});

describe("sizes", () => {
  it("find a long file, a long function and a wide line", () => {
    const body = "\n".repeat(80);
    expect(lines(checkSizes({ path, text: "\n".repeat(401) }))).toEqual([401]);
    expect(lines(checkSizes({ path, text: `\nfunction f() {${body}}\n` }))).toEqual([2]);
    expect(lines(checkSizes({ path, text: `class C { m() {${body}} }\n` }))).toEqual([1]);
    expect(lines(checkSizes({ path, text: `const f = () => {${body}};\n` }))).toEqual([1]);
    expect(lines(checkSizes({ path, text: `// ${"x".repeat(100)}\n` }))).toEqual([1]);
  });

  it("let a describe be a chapter, but not a test in it", () => {
    const body = "\n".repeat(80);
    expect(checkSizes({ path, text: `describe("x", () => {${body}});\n` })).toEqual([]);
    const inner = `describe("x", () => {\nit("y", () => {${body}});});\n`;
    expect(lines(checkSizes({ path, text: inner }))).toEqual([2]);
  });
});

describe("exports", () => {
  it.each([
    'export * from "./x.ts";',
    'export * as x from "./x.ts";',
    "export default class X {}",
    "export default 1;",
    "export default function f() {}",
  ])("refuse %s", (text) => {
    expect(lines(checkExports({ path, text }))).toEqual([1]);
  });

  it("allow names", () => {
    expect(checkExports({ path, text: 'export { x, type Y } from "./x.ts";' })).toEqual([]);
  });
});

describe("unfinished work", () => {
  it.each(["it.onl\u0079('x', f);", "describe.ski\u0070('x', f);", "// TO\u0044O later"])(
    "finds %s",
    (text) => {
      expect(lines(checkFinished({ path, text }))).toEqual([1]);
    },
  );

  it("allows a test to be skipped for a reason", () => {
    expect(checkFinished({ path, text: "it.skipIf(needs('redis').skip)('x', f);" })).toEqual([]);
  });
});

describe("Lua contracts", () => {
  const renew = "packages/redis/src/lua/renew.lua";
  const head = "packages/redis/src/lua/head.lua";

  it("must say name, arguments and result", () => {
    expect(checkLua([{ path: renew, text: "return 1\n" }])).toHaveLength(3);
    const text = "-- renew: KEYS[1] lease. ARGV[1] owner. Returns 1 renewed, 0 not.\nreturn 1\n";
    expect(checkLua([{ path: renew, text }])).toEqual([]);
  });

  it("ask of a fragment only what it is for", () => {
    const text = "-- renew: KEYS[1] lease. No ARGV. Returns 1.\n-- @include head\nreturn 1\n";
    const including = { path: renew, text };
    expect(checkLua([including, { path: head, text: "-- Reads the clock.\n" }])).toEqual([]);
    expect(checkLua([including, { path: head, text: "local x = 1\n" }])).toHaveLength(1);
  });
});

describe("manifests", () => {
  const good = {
    name: "@quorate/x",
    version: "1.0.0",
    description: "x",
    license: "Apache-2.0",
    type: "module",
    sideEffects: false,
    engines: {},
    files: [],
    exports: {},
    main: "x",
    types: "x",
    dependencies: { "@quorate/core": "1.0.0" },
  };

  it("must be complete, in lockstep and pin their siblings", () => {
    expect(checkManifest("p", good, "1.0.0")).toEqual([]);
    expect(checkManifest("p", {}, "1.0.0").length).toBeGreaterThan(10);
    expect(checkManifest("p", { ...good, version: "1.0.1" }, "1.0.0")).toHaveLength(1);
    const ranged = { ...good, dependencies: { "@quorate/core": "^1.0.0" } };
    expect(checkManifest("p", ranged, "1.0.0")).toHaveLength(1);
  });

  it("must put sources before types before code", () => {
    const entry = { types: "t", "@quorate/source": "s", default: "d" };
    expect(checkEntries("p", { exports: { ".": entry } })).toHaveLength(1);
  });

  it("must pin tools and refer to dependencies", () => {
    expect(checkPins("p", { devDependencies: { a: "^1.0.0", b: "1.0.0" } })).toHaveLength(1);
    expect(checkReferences("p", good, [])).toHaveLength(1);
    expect(checkReferences("p", good, ["../core", "../lock"])).toHaveLength(1);
    expect(checkReferences("p", good, ["../core"])).toEqual([]);
  });
});
