/**
 * Eight members that share no server; one is killed, and the seven others find out.
 *
 * SWIM over UDP on the loopback: each member asks one other at a time whether it lives, through a
 * third if there is no answer, and gossips what it learns. The eighth is a process of its own,
 * which is killed with SIGKILL. First somebody suspects it; as it does not object, it is down, and
 * all know within a few rounds of gossip.
 *
 * Das, Gupta, Motivala, "SWIM", DSN 2002; Dadgar, Phillips, Currey, "Lifeguard", DSN-W 2018.
 */
import { createSwim, type Swim, type SwimTiming, udpTransport } from "quorate/membership";
import type { Player, Stage } from "../shared/example.ts";

/** A fifth of the preset for one room, so that the film is short. */
const TIMING: Partial<SwimTiming> = {
  probeIntervalMs: 200,
  probeTimeoutMs: 100,
  gossipIntervalMs: 40,
  suspicionMult: 4,
};

/** Joins the group through the member at `seed`. */
async function join(id: string, seed?: string): Promise<Swim> {
  const seeds = seed === undefined ? [] : [seed];
  const swim = createSwim({ id, transport: udpTransport(), seeds, timing: TIMING });
  await swim.start();
  return swim;
}

/** A member that is a process. */
export async function member(self: Player<never>): Promise<Swim> {
  return join(self.name, self.note);
}

/** Tells it. */
export async function play({ start, say, check }: Stage): Promise<void> {
  const first = await join("node-1");
  const seed = first.self?.address ?? "";
  const others = ["node-2", "node-3", "node-4", "node-5", "node-6", "node-7"];
  const here = [first, ...(await Promise.all(others.map((id) => join(id, seed))))];
  const eighth = await start(member, "node-8", { note: seed, apart: true });
  await Promise.all(here.map(seesEight));
  say("eight members know each other; node-8 is killed");

  await eighth.kill();
  const killedMs = performance.now();
  const reports = await Promise.all(here.map((swim) => follow(swim, killedMs)));
  const suspectedMs = Math.min(...reports.map((report) => report.suspectedMs));
  const downMs = reports.map((report) => report.downMs).toSorted((a, b) => a - b);
  const [firstMs = Infinity] = downMs;
  const lastMs = downMs.at(-1) ?? Infinity;
  say(`first suspected after ${suspectedMs} ms, first down after ${firstMs} ms`);
  say(`all seven know after ${lastMs} ms: ${downMs.join(", ")}`);

  const accused = new Set(here.flatMap((swim) => gone(swim)));
  check("all seven found out", reports.length === 7 && lastMs < Infinity);
  check("it was suspected before it was down", suspectedMs <= firstMs);
  check("nobody else was taken for dead", [...accused].join() === "node-8");
  const packets = here.reduce((sum, { stats }) => sum + stats.packetsSent, 0);
  say(`${packets} packets were sent, ${Math.round(packets / here.length)} by each`);
  await Promise.all(here.map((swim) => swim.close()));
}

async function seesEight(swim: Swim): Promise<void> {
  for await (const _ of swim.watch()) if (swim.size === 8) return;
}

/** What `swim` hears of node-8 from now on, in ms since it was killed. */
async function follow(
  swim: Swim,
  killedMs: number,
): Promise<{ suspectedMs: number; downMs: number }> {
  let suspectedMs = Infinity;
  for await (const event of swim.watch()) {
    if (!("member" in event) || event.member.id !== "node-8") continue;
    const sinceMs = Math.round(performance.now() - killedMs);
    if (event.member.state === "suspect") suspectedMs = Math.min(suspectedMs, sinceMs);
    if (event.member.state === "down") return { suspectedMs, downMs: sinceMs };
  }
  return { suspectedMs, downMs: Infinity };
}

function gone(swim: Swim): string[] {
  return swim.members.filter(({ state }) => state === "down").map(({ id }) => id);
}
