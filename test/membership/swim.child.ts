/**
 * A member of a SWIM group over UDP, as a process of its own, that does what its parent asks.
 *
 * `drop`: loses all that it would send to the addresses named. `view`: tells how it sees the group.
 */
import "../support/with-parent.ts";
import { createSwim, type SwimTransport, udpTransport } from "@quorate/membership";

const { ID = "", SEEDS = "", SECRET = "" } = process.env;
const udp = udpTransport();
let dropped: readonly string[] = [];

/** UDP, with a partition in it. */
const transport: SwimTransport = {
  runtime: udp.runtime,
  meetingPoints: [],
  open: (receive) => udp.open(receive),
  send: (address, packet) =>
    dropped.includes(address) ? Promise.resolve() : udp.send(address, packet),
  close: () => udp.close(),
};

const swim = createSwim({
  id: ID,
  transport,
  seeds: SEEDS === "" ? [] : SEEDS.split(","),
  secrets: [SECRET],
  timing: {
    probeIntervalMs: 300,
    probeTimeoutMs: 150,
    gossipIntervalMs: 50,
    suspicionMult: 3,
    suspicionMaxFactor: 2,
    indirectProbes: 1,
    gossipToDeadMs: 5_000,
    syncIntervalMs: 2_000,
    rejoinIntervalMs: 500,
  },
});

process.on("message", (message: { readonly drop?: readonly string[]; readonly ask?: number }) => {
  if (message.drop !== undefined) dropped = message.drop;
  if (message.ask === undefined) return;
  const view = Object.fromEntries(swim.members.map(({ id, state }) => [id, state]));
  process.send?.({ answer: message.ask, view, refused: swim.stats.refused.seal });
});
process.on("unhandledRejection", (reason) => {
  process.send?.({ unhandled: String(reason) });
});

await swim.start();
process.send?.({ address: swim.self?.address });
