/**
 * Simulate your own: finds the mistake in a cron job, and shows that the mended one has it not.
 *
 *     node -C @quorate/source --import tsx examples/simulate-your-own/main.ts [diagram.html]
 */
import { writeFileSync } from "node:fs";
import { failureText, spaceTimeDiagram } from "@quorate/simulator";
import { remindAtMostOnce, remindCarelessly } from "./reminders.ts";
import { simulateReminders } from "./simulation.ts";

const careless = await simulateReminders(remindCarelessly, 100);
const [failure] = careless.failures;
if (failure === undefined) throw new Error("the mistake was not found");
console.log(`careless: found with seed ${failure.seed}, the ${careless.seeds}. that was tried`);
console.log(failureText(failure, 12));
const file = process.argv[2];
if (file !== undefined) writeFileSync(file, spaceTimeDiagram(failure));

const mended = await simulateReminders(remindAtMostOnce, 100);
console.log(`\nat most once: ${mended.seeds} seeds, ${mended.failures.length} failures`);
process.exitCode = mended.failures.length === 0 ? 0 : 1;
