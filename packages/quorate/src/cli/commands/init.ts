/**
 * The first file: connects by QUORATE_URL, closes on signals, and says by itself whether it works.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { invalidArgument, parseJson } from "@quorate/core";
import type { Command, LocalContext } from "../command.ts";
import { starterFile } from "../starter-file.ts";

const BOUNDS = { maxBytes: 1_048_576, maxDepth: 32, maxNodes: 50_000 };
/** Names that every engine takes. */
const NAMESPACE = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** `quorate init`. */
export const init: Command = {
  isLocal: true,
  path: ["init"],
  args: [],
  summary: "writes one file that connects, and closes on signals",
  details:
    "It is quorate.ts where there is a tsconfig.json, else quorate.mjs. Nothing is overwritten. " +
    "It asks for the namespace; with --yes, or where nobody is there to ask, it takes the name " +
    "of the package.",
  options: [
    { name: "dir", value: "DIR", summary: "the folder to write in  @default this one" },
    { name: "file", value: "NAME", summary: "another name for the file" },
  ],
  examples: ["quorate init", "quorate init --yes --file src/quorate.ts"],
  async run(context) {
    const dir = resolve(context.option("dir") ?? ".");
    if (!existsSync(dir)) throw invalidArgument("--dir", dir, "a folder that is there");
    const name = context.option("file") ?? defaultName(dir);
    const namespace = await namespaceOf(context, dir);
    try {
      // Exclusive: who was first between a look and a write is no question then.
      writeFileSync(join(dir, name), starterFile(namespace, name), { flag: "wx" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") throw invalidArgument("--file", name, existing(name));
      if (code === "ENOENT")
        throw invalidArgument("--file", name, "a file in a folder that is there");
      throw error;
    }
    context.tell({ file: join(dir, name), namespace }, nextSteps(name, namespace));
    return 0;
  },
};

function defaultName(dir: string): string {
  return existsSync(join(dir, "tsconfig.json")) ? "quorate.ts" : "quorate.mjs";
}

function existing(name: string): string {
  return `a name that is free (${name} is there, and was left as it is): give --file, or remove it`;
}

async function namespaceOf(context: LocalContext, dir: string): Promise<string> {
  const fallback = packageName(dir) ?? "quorate";
  const given = context.target.namespace ?? (await answerOf(context, fallback)) ?? fallback;
  if (NAMESPACE.test(given)) return given;
  throw invalidArgument("namespace", given, "1 to 63 of a to z, 0 to 9 and -, as in my-shop");
}

async function answerOf(
  { isJson, isYes, terminal }: LocalContext,
  fallback: string,
): Promise<string | undefined> {
  if (isYes || isJson) return undefined;
  const answer = await terminal.ask(`Namespace of this service [${fallback}]: `);
  return answer === undefined || answer.trim() === "" ? undefined : answer.trim();
}

function packageName(dir: string): string | undefined {
  const file = join(dir, "package.json");
  if (!existsSync(file)) return undefined;
  const read = parseJson(readFileSync(file), BOUNDS);
  const found = read.ok ? read.value : undefined;
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  const name = isObject ? (found as Readonly<Record<string, unknown>>)["name"] : undefined;
  const plain = typeof name === "string" ? name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-") : "";
  const trimmed = plain.replaceAll(/^-+|-+$/g, "").slice(0, 63);
  return NAMESPACE.test(trimmed) ? trimmed : undefined;
}

function nextSteps(name: string, namespace: string): string {
  const run = name.endsWith(".ts") ? `npx tsx ${name}` : `node ${name}`;
  return [
    `wrote ${name}, namespace ${namespace}`,
    "",
    `  ${run}                 # in memory: says whether it works`,
    `  npm install @quorate/redis ioredis && QUORATE_URL=redis://127.0.0.1:6379 ${run}`,
    "  npx quorate doctor --redis 127.0.0.1   # is the server set up well?",
    "",
    `Then, where you need it: import { q } from "./${name}";`,
    'await q.lock.run("report", async (lock) => { … });',
    "",
  ].join("\n");
}
