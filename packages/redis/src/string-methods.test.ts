import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** Runs `script` in a process of its own, where `isFast()` says how V8 keeps the methods. */
function run(script: string): unknown {
  const prelude = `
    import { setFlagsFromString } from "node:v8";
    setFlagsFromString("--allow-natives-syntax");
    const isFast = new Function("return %HasFastProperties(String.prototype)");`;
  const args = ["-C", "@quorate/source", "--import", "tsx", "--input-type=module"];
  const { stdout, stderr } = spawnSync(process.execPath, [...args, "-e", prelude + script], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return stderr === "" ? JSON.parse(stdout) : stderr;
}

const backend = JSON.stringify(fileURLToPath(new URL("backend.ts", import.meta.url)));

it("a backend makes strings fast again that loading ioredis made slow", () => {
  const told = run(`
    const { redisBackend } = await import(${backend});
    const seen = [isFast()];
    const { Redis } = await import("ioredis");
    const client = new Redis({ lazyConnect: true });
    seen.push(isFast());
    redisBackend(client);
    seen.push(isFast());
    client.disconnect();
    console.log(JSON.stringify(seen));`);
  expect(told).toEqual([true, false, true]);
});
