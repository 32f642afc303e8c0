/**
 * `top`: what goes on in a namespace, as it goes on.
 */
import { linkedController, sleep } from "@quorate/core";
import type { Context, StoreCommand } from "../command.ts";
import { frame, render, UNBOUNDED } from "../top/render.ts";
import { look, MOST_LEADERS, MOST_LISTED, type Snapshot } from "../top/snapshot.ts";
import type { Screen } from "../terminal.ts";

const EVERY_MS = 1_000;
/** q, Q, Ctrl-C, Escape. */
const QUIT: ReadonlySet<string> = new Set(["q", "Q", "\u0003", "\u001b"]);

/** The command. */
export const top: StoreCommand = {
  path: ["top"],
  isEndless: true,
  args: [],
  summary: "locks, leaders, jobs, sagas, keys and members, live; q ends it",
  details:
    `A look each second, at most ${MOST_LISTED} entries of each kind and ${MOST_LEADERS} terms. ` +
    "Into a pipe or with --json it looks once.",
  async run(context) {
    const { terminal, isJson, q, tell } = context;
    if (isJson || terminal.screen === undefined) {
      const snapshot = await look(q, terminal.signal);
      tell(dataOf(snapshot), `${render(snapshot, UNBOUNDED).join("\n")}\n`);
      return 0;
    }
    await live(context, terminal.screen);
    return 0;
  },
};

async function live({ q, terminal }: Context, screen: Screen): Promise<void> {
  const quit = linkedController(terminal.signal);
  const giveBack = screen.open((key) => {
    if (QUIT.has(key)) quit.abort(new Error("quit"));
  });
  const { signal } = quit;
  try {
    while (!signal.aborted) {
      const snapshot = await look(q, signal);
      terminal.write(frame(render(snapshot, screen.size())));
      await sleep(q.backend.runtime, EVERY_MS, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    quit.detach();
    giveBack();
  }
}

function dataOf({ at, server, tookMs, sections }: Snapshot): object {
  const parts = sections.map(({ name, ...section }) => [name, section] as const);
  return { at, server, tookMs, ...Object.fromEntries(parts) };
}
