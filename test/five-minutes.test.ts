/**
 * The first five minutes, as somebody has them who knows none of it: `docs/start/five-minutes.md`
 * from top to bottom, in an empty folder, with the packages as npm would publish them.
 *
 * `js file=NAME` is written to that file; `sh` is run and must succeed, or fail where it says
 * `fails`; `sh background` runs on to the end of the page; a `text output` after either is what it
 * prints. Nothing else may stand in a fence, so nothing on the page is untested. What is not real:
 * our packages come from tarballs instead of the registry, and the servers have other ports.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { needs, startNats, startRedis } from "../scripts/servers/index.mjs";
import type { ServerProcess } from "../scripts/servers/types.ts";
import { readPackages } from "../scripts/workspace.mjs";
import { type Block, blocksOf } from "./support/markdown.ts";
import { PACKED_TIMEOUT_MS, userFolder, type UserFolder } from "./support/packed.ts";
import { readSource } from "./support/repository.ts";
import { isAsWritten } from "./support/transcript.ts";

/** An installation and the start of some processes, on a busy machine. */
const STEP_TIMEOUT_MS = 90_000;
/** How long what runs in the background may take to say what the page says. */
const BACKGROUND_MS = 20_000;
/** As a Redis writes its file that was installed and never configured. */
const REDIS_AS_INSTALLED = ["--save", "3600 1 300 100 60 10000"];

const page = readSource("docs/start/five-minutes.md");
const blocks = blocksOf(page.path, page.text);
/** Steps from here on want this server. */
const REDIS = "127.0.0.1:6379";
const NATS = "127.0.0.1:4222";

let user: UserFolder;
/** Said on the page → what it is here. */
const addresses = new Map<string, string>();
let background: Shell | undefined;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  const started = (said: string, server: ServerProcess): void => {
    addresses.set(said, new URL(server.url).host);
    endings.push(() => server.stop());
  };
  if (!needs("redis").skip) started(REDIS, await startRedis({ args: REDIS_AS_INSTALLED }));
  if (!needs("nats").skip) started(NATS, await startNats());
  user = await userFolder({ isEmpty: true });
  endings.push(() => user.remove());
  rmSync(join(user.dir, "package.json")); // The page begins in an empty folder.
}, PACKED_TIMEOUT_MS);

afterAll(async () => {
  background?.kill();
  await Promise.all(endings.map((end) => end()));
});

describe("five minutes", () => {
  for (const [index, block] of blocks.entries()) {
    if (kindOf(block) === "text output") continue; // Compared with the step before it.
    it.skipIf(serverOf(block)?.skip ?? false)(
      `step ${index + 1}, line ${block.line}: ${block.code.split("\n")[0]}`,
      () => play(block),
      STEP_TIMEOUT_MS,
    );
  }

  it("have an output beside every command but installations, and none beside anything else", () => {
    const silent = blocks.filter(
      (block) => block.words[0] === "sh" && outputAfter(block) === undefined,
    );
    expect(silent.map(({ code }) => code)).toEqual([expect.stringMatching(/^npm init/)]);
    const outputs = blocks.filter((block) => kindOf(block) === "text output");
    const owners = outputs.map((output) => blocks[blocks.indexOf(output) - 1]?.words[0]);
    expect(new Set(owners)).toEqual(new Set(["sh"]));
  });
});

describe("the comparison with the page", () => {
  it.each([
    ["a\nb", "a\nb", true],
    ["a\nb", "a\nc", false],
    ["a\nb", "a", false],
    ["a", "a\nb", false],
    ["took … ms", "took 12.5 ms", true],
    ["took … ms", "took 12.5 s", false],
    ["…\nb", "x\ny\nb", true],
    ["…\nb", "b\nx", false],
    ["a  b ", "a b", true],
    ["(a.b)", "(axb)", false],
  ])("of %j with %j is %s", (expected, printed, is) => {
    expect(isAsWritten(expected, printed)).toBe(is);
  });
});

function kindOf({ words }: Block): string {
  return words.join(" ");
}

/** The server without which a step cannot be played: its address is in it, or in its subject. */
function serverOf(block: Block): ReturnType<typeof needs> | undefined {
  const isAbout = kindOf(block) === "text background output";
  const code = isAbout ? blocks.find((one) => kindOf(one) === "sh background")?.code : block.code;
  if (code?.includes(REDIS) === true) return needs("redis");
  return code?.includes(NATS) === true ? needs("nats") : undefined;
}

async function play(block: Block): Promise<void> {
  const kind = kindOf(block);
  const file = /^js file=([\w.-]+\.mjs)$/.exec(kind)?.[1];
  if (file !== undefined) return expect(user.write(file, `${block.code}\n`)).toContain(user.dir);
  if (kind === "text background output") return expectOfBackground(block.code);
  expect(["sh", "sh fails", "sh background"]).toContain(kind);
  await runBlock(block, kind);
}

function outputAfter(block: Block): string | undefined {
  const next = blocks[blocks.indexOf(block) + 1];
  return next !== undefined && kindOf(next) === "text output" ? next.code : undefined;
}

async function runBlock(block: Block, kind: string): Promise<void> {
  const shell = new Shell(commandsFor(block.code));
  const expected = outputAfter(block);
  if (kind === "sh background") {
    background = shell;
    return expectOfBackground(expected ?? "");
  }
  const isDone = await shell.ended;
  expect(isDone, shell.output).toBe(kind === "sh");
  // Shown whole where it differs: the report is then what the page should say.
  if (expected !== undefined && !isAsWritten(expected, shell.output)) {
    expect(shell.output).toBe(expected);
  }
}

async function expectOfBackground(expected: string): Promise<void> {
  const isSaid = () => isAsWritten(expected, background?.output ?? "");
  await expect.poll(isSaid, { timeout: BACKGROUND_MS, message: expected }).toBe(true);
}

/** As typed, but for where our packages come from and where the servers are. */
function commandsFor(code: string): string {
  let placed = code;
  for (const [said, here] of addresses) placed = placed.replaceAll(said, here);
  return placed.replaceAll(/^npm install (.+)$/gm, (_, names: string) => {
    const tarballs = names.split(" ").flatMap((name) => tarballsFor(name));
    return `npm install ${tarballs.join(" ")}`;
  });
}

/** The tarballs of one of ours and of all of ours that it needs; of others, its name. */
function tarballsFor(name: string): readonly string[] {
  const own = new Map(readPackages().map(({ manifest }) => [manifest.name, manifest]));
  if (!own.has(name)) return [name];
  const needed = new Set([name]);
  for (const one of needed) {
    for (const other of Object.keys(own.get(one)?.dependencies ?? {})) {
      if (own.has(other)) needed.add(other);
    }
  }
  return user.tarballs.filter((tarball) => needed.has(tarball.name)).map(({ file }) => file);
}

/** A shell in the user's folder, as a person has it: nothing of ours in its environment. */
class Shell {
  readonly #child: ChildProcess;
  readonly ended: Promise<boolean>;
  output = "";

  constructor(commands: string) {
    const { PATH, HOME } = process.env;
    const npm = { npm_config_prefer_offline: "true", npm_config_loglevel: "error" };
    this.#child = spawn("bash", ["-e", "-c", commands], {
      cwd: user.dir,
      env: { PATH, HOME, ...npm, npm_config_audit: "false", npm_config_fund: "false" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // A group of its own, so that its children end with it.
    });
    const keep = (text: string): void => void (this.output += text);
    this.#child.stdout?.setEncoding("utf8").on("data", keep);
    this.#child.stderr?.setEncoding("utf8").on("data", keep);
    this.ended = once(this.#child, "close").then(([code]) => code === 0);
  }

  kill(): void {
    const { pid, exitCode } = this.#child;
    if (pid === undefined || exitCode !== null) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // It ended by itself between the look and the kill.
    }
  }
}
