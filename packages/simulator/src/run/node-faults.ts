/**
 * What may befall every process: death, pauses, sleep, and clocks that are set or run wrong.
 */
import type { Fault, FaultOffer, FaultValues } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { SimNode } from "../kernel/node.ts";
import { plainExp, plainLog } from "../kernel/plain-math.ts";
import type { Stream } from "../kernel/seed.ts";

/** A duration whose order of magnitude is uniform: short stops are as likely as long ones. */
export function drawMs(chance: Stream, fromMs: number, toMs: number): number {
  return Math.round(fromMs * plainExp(chance.next() * plainLog(toMs / fromMs)));
}

/** Offers the faults of one process. */
export function offerNodeFaults(kernel: Kernel, node: SimNode): void {
  const target = node.name;
  const offers: readonly Omit<FaultOffer, "target">[] = [
    kill(node),
    pause(node),
    pauseBeforeSend(node),
    suspend(node),
    clockJump(node),
    clockRate(node),
  ];
  for (const offer of offers) kernel.faults.offer({ ...offer, target });
  kernel.onHeal(() => {
    node.resume();
    if (node.state === "dead") node.restart();
  });
}

type Offer = Omit<FaultOffer, "target">;

function kill(node: SimNode): Offer {
  return {
    kind: "kill",
    draw: (chance) => ({
      forMs: drawMs(chance, 10, 20_000),
      values: {
        disk: chance.chance(0.2) ? "wipe" : "keep",
        manner: chance.chance(0.3) ? "vanishes" : "closes",
      },
    }),
    begin({ values }) {
      if (node.state === "dead") return undefined;
      node.kill(text(values, "manner") === "vanishes" ? "vanishes" : "closes");
      const { incarnation } = node;
      const disk = text(values, "disk") === "wipe" ? "wipe" : "keep";
      return () => {
        if (node.state === "dead" && node.incarnation === incarnation) node.restart({ disk });
      };
    },
  };
}

function pause(node: SimNode): Offer {
  return {
    kind: "pause",
    draw: (chance) => ({ forMs: drawMs(chance, 20, 20_000) }),
    begin: ({ forMs }) => node.pause(forMs),
  };
}

function pauseBeforeSend(node: SimNode): Offer {
  return {
    kind: "pause-before-send",
    draw: (chance) => ({ values: { pauseMs: drawMs(chance, 20, 20_000) } }),
    begin: ({ values }) => node.pauseBeforeNextSend(number(values, "pauseMs") ?? 1_000),
  };
}

function suspend(node: SimNode): Offer {
  return {
    kind: "suspend",
    draw: (chance) => ({ forMs: drawMs(chance, 100, 60_000) }),
    begin: ({ forMs }) => node.suspend(forMs ?? Infinity),
  };
}

function clockJump(node: SimNode): Offer {
  return {
    kind: "clock-jump",
    draw(chance) {
      const ms = drawMs(chance, 10, 3_600_000);
      return { values: { jumpMs: chance.chance(0.5) ? ms : -ms } };
    },
    begin: ({ values }) => node.skew({ jumpMs: number(values, "jumpMs") ?? 0 }),
  };
}

function clockRate(node: SimNode): Offer {
  return {
    kind: "clock-rate",
    // A quartz is off by 0.02 %. Two clocks of half a percent are what a lease's margin allows for.
    draw: (chance) => ({
      forMs: drawMs(chance, 1_000, 60_000),
      values: { rate: 1 + chance.between(-0.005, 0.005) },
    }),
    begin({ values }) {
      node.skew({ rate: number(values, "rate") ?? 1 });
      return () => node.skew({ rate: 1 });
    },
  };
}

/** A number among a fault's values. */
export function number(values: FaultValues | undefined, name: string): number | undefined {
  const value = values?.[name];
  return typeof value === "number" ? value : undefined;
}

/** A text among a fault's values. */
export function text(values: FaultValues | undefined, name: string): string | undefined {
  const value = values?.[name];
  return typeof value === "string" ? value : undefined;
}

/** Names among a fault's values. */
export function names({ values }: Fault, name: string): readonly string[] {
  const value = values?.[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
