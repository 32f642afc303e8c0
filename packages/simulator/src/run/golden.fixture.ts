/**
 * A world that uses all of the kernel and nothing else: its hash changes only with the kernel.
 *
 * Run as a worker thread it posts its hash: `new Worker(this file)`.
 */
import { isMainThread, parentPort } from "node:worker_threads";
import { simulate } from "./simulate.ts";
import type { SimulationReport } from "./tally.ts";
import type { World } from "./world.ts";

/** Seeds of the golden hash. */
export const GOLDEN_SEEDS = 25;

/** Runs the golden world. */
export function runGolden(seeds: number = GOLDEN_SEEDS): Promise<SimulationReport> {
  return simulate({ seeds, durationMs: 30_000, profile: "harsh", world: goldenWorld });
}

function goldenWorld(sim: World): void {
  const server = sim.kernel.addNode("server", "server");
  sim.process("node", {
    count: 4,
    main: async (process) => {
      const { runtime } = process;
      const ticks = runtime.events.channel<{ at: number }>("tick");
      process.onMessage((from, data) => {
        const [hops = 0] = data;
        if (hops > 0) process.send(from, Uint8Array.of(hops - 1));
        else process.mark("round trip");
      });
      const wire = sim.network.wire(process.node, server);
      wire.onReset((end) => sim.mark(`reset at ${end}`));
      for (let turn = 0; ; turn++) {
        await process.sleep(runtime.random.next() * 300);
        process.disk.set("turn", Uint8Array.of(turn));
        process.send(`node-${1 + ((runtime.random.bytes(1)[0] ?? 0) % 4)}`, Uint8Array.of(3));
        wire.toStore(() => wire.toProcess(() => process.mark(runtime.ids.unique().slice(0, 2))));
        ticks.publish({ at: runtime.time.wallMs() });
      }
    },
  });
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  void runGolden().then(({ hash }) => port.postMessage(hash));
}
