/**
 * What may befall the network: partitions, resets, half-open connections, slow and lossy ways.
 */
import type { NetworkConditions } from "../kernel/conditions.ts";
import type { FaultOffer } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Stream } from "../kernel/seed.ts";
import { drawMs, names, number, text } from "./node-faults.ts";

/** The target of what befalls no node in particular. */
export const NETWORK = "network";

/** Offers the faults of the network. */
export function offerNetworkFaults(kernel: Kernel): void {
  const offers = [
    partition(kernel),
    connectionReset(kernel),
    halfOpen(kernel),
    slow(kernel),
    lossy(kernel),
    weather(kernel),
  ];
  for (const offer of offers) kernel.faults.offer({ ...offer, target: NETWORK });
}

type Offer = Omit<FaultOffer, "target">;

function partition(kernel: Kernel): Offer {
  return {
    kind: "partition",
    draw: (chance) => ({
      forMs: drawMs(chance, 50, 30_000),
      values: {
        side: drawSide(kernel, chance),
        direction: chance.pick(["both", "both", "out", "in"]) ?? "both",
        // Whoever is cut off may notice after a while, or wait until it heals: sockets differ.
        ...(chance.chance(0.4) ? { resetsAfterMs: drawMs(chance, 10, 20_000) } : {}),
      },
    }),
    begin(fault) {
      const side = names(fault, "side");
      const rest = [...kernel.nodes.keys()].filter((name) => !side.includes(name));
      const direction = text(fault.values, "direction");
      const [from, to] = direction === "in" ? [rest, side] : [side, rest];
      const cut = kernel.network.partition(from, to, { oneWay: direction !== "both" });
      let isOver = false;
      const reset = (): void => {
        if (isOver) return;
        for (const name of side) for (const other of rest) kernel.network.reset(name, other);
      };
      const afterMs = number(fault.values, "resetsAfterMs");
      if (afterMs !== undefined) {
        kernel.scheduler.schedule(afterMs * 1_000, undefined, "connection", reset);
      }
      return () => {
        isOver = true;
        cut.heal();
      };
    },
  };
}

function connectionReset(kernel: Kernel): Offer {
  return {
    kind: "connection-reset",
    draw: (chance) => ({ values: { node: drawNode(kernel, chance) } }),
    begin: ({ values }) => kernel.network.reset(text(values, "node") ?? ""),
  };
}

function halfOpen(kernel: Kernel): Offer {
  return {
    kind: "half-open",
    draw: (chance) => ({
      values: { node: drawNode(kernel, chance), untilMs: drawMs(chance, 100, 20_000) },
    }),
    begin: ({ values }) => {
      const untilMs = number(values, "untilMs") ?? 1_000;
      kernel.network.halfOpen(text(values, "node") ?? "", undefined, untilMs);
    },
  };
}

function slow(kernel: Kernel): Offer {
  return {
    kind: "slow",
    draw(chance) {
      const minDelayMs = drawMs(chance, 5, 1_000);
      const maxDelayMs = minDelayMs * chance.between(1, 4);
      const node = drawNode(kernel, chance);
      return { forMs: drawMs(chance, 500, 20_000), values: { node, minDelayMs, maxDelayMs } };
    },
    begin: ({ values }) => {
      const minDelayMs = number(values, "minDelayMs") ?? 0;
      const maxDelayMs = number(values, "maxDelayMs") ?? minDelayMs;
      return around(kernel, text(values, "node"), { minDelayMs, maxDelayMs });
    },
  };
}

function lossy(kernel: Kernel): Offer {
  return {
    kind: "loss",
    draw: (chance) => ({
      forMs: drawMs(chance, 500, 20_000),
      values: { node: drawNode(kernel, chance), lossRate: chance.between(0.05, 0.7) },
    }),
    begin: ({ values }) =>
      around(kernel, text(values, "node"), { lossRate: number(values, "lossRate") ?? 0 }),
  };
}

/** How the network is for the whole run; drawn by the profile. */
function weather(kernel: Kernel): Offer {
  return {
    kind: "weather",
    draw: () => ({}),
    begin({ values = {} }) {
      kernel.network.setConditions(values);
      return () => kernel.network.setConditions({});
    },
  };
}

/** Conditions on all ways from and to a node. */
function around(
  kernel: Kernel,
  node: string | undefined,
  conditions: Partial<NetworkConditions>,
): () => void {
  const only = node === undefined ? [] : [node];
  const out = kernel.network.disturb(conditions, { from: only });
  const back = kernel.network.disturb(conditions, { to: only });
  return () => {
    out.heal();
    back.heal();
  };
}

function drawNode(kernel: Kernel, chance: Stream): string {
  return chance.pick([...kernel.nodes.keys()]) ?? "";
}

/** Mostly one node alone, sometimes a part of them. */
function drawSide(kernel: Kernel, chance: Stream): readonly string[] {
  const all = [...kernel.nodes.keys()];
  if (chance.chance(0.5)) return [chance.pick(all) ?? ""];
  const side = chance.some(all, 0.5);
  return side.length === 0 ? [all[0] ?? ""] : side;
}
