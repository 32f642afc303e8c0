/**
 * The simulation of that job: three instances, days of a minute each, all that can go wrong.
 */
import { simulate, type SimulationReport } from "@quorate/simulator";
import type { Remind } from "./reminders.ts";

/** Runs `remind` under `seeds` seeds. The report has the first failure, if there is one. */
export function simulateReminders(remind: Remind, seeds: number): Promise<SimulationReport> {
  return simulate({
    seeds,
    durationMs: 300_000,
    profile: "harsh",
    atLeast: { sent: 1 },
    mustHit: ["kill", "pause", "partition", "store-kill"],
    shrink: true,
    onFailure: "stop",
    world(sim) {
      const store = sim.store("store", { engine: "redis" });
      const sent: string[] = []; // The mail server, which forgets nothing.
      sim.process("service", {
        count: 3,
        async main(process) {
          const backend = store.backend(process);
          const { time, random } = process.runtime;
          for (;;) {
            await process.sleep(random.next() * 20_000); // It looks now and then.
            const day = `day-${Math.floor(time.wallMs() / 60_000)}`; // A day is a minute here.
            const send = () => (sent.push(day), process.mark("sent"));
            await remind(backend, day, send).catch(() => process.mark("gave up"));
          }
        },
      });
      sim.always("no reminder is sent twice", () => new Set(sent).size === sent.length);
    },
  });
}
