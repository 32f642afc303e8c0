/**
 * Breakers that a fleet shares through the store: how they stand, and holding one open by hand.
 *
 * What is written here every process obeys whose breaker is `sharedThrough` this store, those that
 * start later too. A breaker of one process alone is in no store: that process isolates it itself,
 * by `breaker.isolate()`.
 */
import { fleetControl, type FleetStanding, listFleets } from "@quorate/resilience";
import type { Command, Row } from "../command.ts";
import { BY_HAND, byHand } from "./by-hand.ts";

const SCOPE =
  "Only breakers that are shared through this store (sharedThrough of @quorate/resilience) are " +
  "seen and moved. One that a process keeps to itself is moved in that process.";

const list: Command = {
  path: ["breaker", "ls"],
  args: [],
  summary: "shared breakers: which are open or isolated, by whom and why",
  details:
    `${SCOPE} It ends with 1 where one is not closed. One that has been well for an hour has ` +
    "nothing in the store, and is not listed.",
  async run({ q, show, terminal }) {
    const fleets = await listFleets(q.backend, { signal: terminal.signal });
    const rows = fleets.map(({ name, complaining, ...standing }) => {
      return { ...rowOf(name, standing), complaining };
    });
    show(rows, "every shared breaker is closed");
    return fleets.some(({ state }) => state !== "closed") ? 1 : 0;
  },
};

const isolate: Command = {
  path: ["breaker", "isolate"],
  args: ["name"],
  summary: "holds a shared breaker open in the whole fleet, until release",
  details: SCOPE,
  options: [
    ...BY_HAND,
    { name: "for", value: "MS", summary: "until then at most, a week  @default until release" },
  ],
  examples: [
    'quorate breaker isolate billing --why "double charges, incident 7"',
    'quorate breaker isolate billing --why "their deploy" --for 600000 --yes',
  ],
  warning: ([name = ""]) =>
    `This holds the breaker ${name} open in every process that shares it, over restarts too:\n` +
    "their calls are refused at once until somebody releases it, or --for is over.",
  async run(context) {
    const [name = ""] = context.args;
    const forMs = context.option("for");
    const order = { ...byHand(context), signal: context.terminal.signal };
    const standing = await fleetControl(context.q.backend, name).isolate(
      forMs === undefined ? order : { ...order, forMs: Number(forMs) },
    );
    context.show([rowOf(name, standing)], "");
    context.say(`until: quorate breaker release ${name} --why TEXT`);
    return 0;
  },
};

const release: Command = {
  path: ["breaker", "release"],
  args: ["name"],
  summary: "lets the calls of an open or isolated breaker come back step by step",
  details: SCOPE,
  options: [
    ...BY_HAND,
    { name: "ramp", value: "MS", summary: "how long until all calls are back  @default 10000" },
  ],
  async run(context) {
    const [name = ""] = context.args;
    const ramp = context.option("ramp");
    const order = { ...byHand(context), signal: context.terminal.signal };
    const standing = await fleetControl(context.q.backend, name).release(
      ramp === undefined ? order : { ...order, rampMs: Number(ramp) },
    );
    context.show([rowOf(name, standing)], "");
    if (standing.state === "closed") context.say(`${name} was not held open`);
    return 0;
  },
};

/** The commands about breakers. */
export const BREAKER_COMMANDS: readonly Command[] = [list, isolate, release];

function rowOf(breaker: string, { by, endsInMs, epoch, state, why }: FleetStanding): Row {
  return {
    breaker,
    state,
    epoch: epoch === 0 ? undefined : epoch,
    by,
    why,
    endsInMs: endsInMs === undefined ? undefined : Math.round(endsInMs),
  };
}
