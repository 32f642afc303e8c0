/**
 * What may befall a store in a planned run.
 *
 * Kills keep what was acknowledged: a profile that wants more asks for `store-failover` and
 * `store-flush` by name. What an engine that elects suffers instead of a failover that forgets is
 * called `store-leader-change`, since it breaks no promise. A server's clock is left alone unless
 * asked for: processes' clocks take up all the drift that leases allow for.
 */
import type { FaultOffer } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { drawMs, number, text } from "../run/node-faults.ts";
import type { SimStore } from "./sim-store.ts";

type Offer = Omit<FaultOffer, "target">;

/** Offers the faults of one store. */
export function offerStoreFaults(
  kernel: Kernel,
  store: SimStore,
  options: { readonly undoMs: number; readonly clockFaults: boolean },
): void {
  const offers: Offer[] = [kill(store), pause(store), readOnly(store)];
  if (store.forgetsAtFailover) offers.push(flush(store), failover(store, options.undoMs));
  else offers.push(leaderChange(store));
  if (options.clockFaults) offers.push(clockJump(store), clockRate(store));
  for (const offer of offers) kernel.faults.offer({ ...offer, target: store.node.name });
}

function kill(store: SimStore): Offer {
  return {
    kind: "store-kill",
    draw: (chance) => ({
      forMs: drawMs(chance, 10, 10_000),
      values: { manner: chance.chance(0.3) ? "vanishes" : "closes" },
    }),
    begin({ values }) {
      const { node } = store;
      if (node.state === "dead") return undefined;
      store.kill({ manner: text(values, "manner") === "vanishes" ? "vanishes" : "closes" });
      const { incarnation } = node;
      return () => {
        if (node.state === "dead" && node.incarnation === incarnation) node.restart();
      };
    },
  };
}

function pause(store: SimStore): Offer {
  return {
    kind: "store-pause",
    draw: (chance) => ({ forMs: drawMs(chance, 20, 10_000) }),
    begin: ({ forMs }) => store.pause(forMs),
  };
}

function readOnly(store: SimStore): Offer {
  return {
    kind: "store-read-only",
    draw: (chance) => ({ forMs: drawMs(chance, 50, 10_000) }),
    begin() {
      store.readOnly(true);
      return () => store.readOnly(false);
    },
  };
}

function clockRate(store: SimStore): Offer {
  return {
    kind: "store-clock-rate",
    draw: (chance) => ({
      forMs: drawMs(chance, 1_000, 60_000),
      values: { rate: 1 + chance.between(-0.01, 0.01) },
    }),
    begin({ values }) {
      store.setRate(number(values, "rate") ?? 1);
      return () => store.setRate(1);
    },
  };
}

function clockJump(store: SimStore): Offer {
  return {
    kind: "store-clock-jump",
    draw(chance) {
      const ms = drawMs(chance, 10, 600_000);
      return { values: { jumpMs: chance.chance(0.5) ? ms : -ms } };
    },
    begin: ({ values }) => store.stepClock(number(values, "jumpMs") ?? 0),
  };
}

function flush(store: SimStore): Offer {
  return { kind: "store-flush", draw: () => ({}), begin: () => store.flush() };
}

function failover(store: SimStore, undoMs: number): Offer {
  return {
    kind: "store-failover",
    draw: (chance) => ({ values: { forgetMs: undoMs === 0 ? 0 : chance.between(0, undoMs) } }),
    begin: ({ values }) => store.failover({ forgetMs: number(values, "forgetMs") ?? 0 }),
  };
}

function leaderChange(store: SimStore): Offer {
  return { kind: "store-leader-change", draw: () => ({}), begin: () => store.failover() };
}
