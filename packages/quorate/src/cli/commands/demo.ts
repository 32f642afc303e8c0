/**
 * `demo`: what is promised, shown in ten seconds with processes that are really killed.
 */
import { invalidArgument } from "@quorate/core";
import type { LocalCommand, LocalContext } from "../command.ts";
import { DEMOS } from "../demo/demos.ts";
import { isPod, playPod, processesOf } from "../demo/processes.ts";
import { openStage } from "../demo/stage.ts";
import type { Claim, Demo } from "../demo/story.ts";

const NAMES = DEMOS.map(({ name }) => name);

/** The command. */
export const demo: LocalCommand = {
  isLocal: true,
  path: ["demo"],
  args: ["name"],
  summary: `a promise kept, with processes that are killed: ${NAMES.join(", ")}`,
  details:
    "The processes are children of this one, and killed by SIGKILL where the story says so. " +
    "Without --redis or --nats the store is in this process and lent to them; with one of them, " +
    "it is that server, in a namespace of the demo's own. Ends with 1 if a promise was not kept.",
  examples: ["quorate demo cron", "quorate demo saga --redis localhost"],
  async run(context) {
    if (isPod(context.terminal.env)) return playPod(context.terminal.env, DEMOS);
    const [name = ""] = context.args;
    const chosen = DEMOS.find((one) => one.name === name);
    if (chosen === undefined) throw invalidArgument("name", name, `one of ${NAMES.join(", ")}`);
    const claims = await shown(chosen, context);
    const isKept = claims.every((claim) => claim.isKept);
    const lines = claims.map((claim) => `  ${claim.isKept ? "✓" : "✗"} ${claim.claim}`);
    const data = { demo: name, isKept, claims };
    context.tell(data, ["", ...lines, "", `next: ${chosen.next}`, ""].join("\n"));
    return isKept ? 0 : 1;
  },
};

async function shown(chosen: Demo, context: LocalContext): Promise<readonly Claim[]> {
  const { terminal, target } = context;
  const url = isServer(context) ? target.url : undefined;
  context.say(`${chosen.summary}\n`);
  const stage = await openStage({
    demo: chosen.name,
    url,
    say: context.say,
    signal: terminal.signal,
    hire: processesOf(process.argv[1] ?? "", terminal.env),
  });
  try {
    return await chosen.tell(stage);
  } finally {
    await stage.clear();
  }
}

/** Only a server that was named here: one in the environment may be one that matters. */
function isServer({ option }: LocalContext): boolean {
  return ["url", "redis", "nats"].some((name) => option(name) !== undefined);
}
