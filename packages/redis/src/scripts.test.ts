import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadScripts } from "./scripts.ts";

const folder = new URL("./lua/", import.meta.url);
const files = readdirSync(folder);

describe("scripts", () => {
  it("begin with what they are for, each", () => {
    for (const file of files) {
      expect(readFileSync(new URL(file, folder), "utf8"), file).toMatch(/^-- \S.{10,}/);
    }
  });

  it("that can be run say what keys they take, and what they return", () => {
    for (const { name } of Object.values(loadScripts("PUBLISH"))) {
      if (name === "time") continue;
      const head = readFileSync(new URL(`${name}.lua`, folder), "utf8").split(/^[^-]/m)[0] ?? "";
      expect(head, name).toMatch(/^-- KEYS/m);
      expect(head, name).toMatch(/^-- Returns/m);
    }
  });

  it("leave no include and no placeholder open", () => {
    for (const { name, source } of Object.values(loadScripts("PUBLISH"))) {
      expect(source, name).not.toMatch(/@include|\$[A-Z]/);
    }
  });

  it("publish within the slot in a cluster", () => {
    expect(loadScripts("SPUBLISH").lease.source).toContain("'SPUBLISH'");
    expect(loadScripts("SPUBLISH").lease.sha).not.toBe(loadScripts("PUBLISH").lease.sha);
  });

  it("never turn a position into a string but by a format: Lua would drop digits", () => {
    for (const { name, source } of Object.values(loadScripts("PUBLISH"))) {
      expect(source, name).not.toMatch(/tostring\((?:now|last|stop|revision|prev|soon|total)\)/);
    }
  });
});
