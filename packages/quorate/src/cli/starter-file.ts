/**
 * The text of the file that `quorate init` writes.
 *
 * It must run as it is, under Node.js alone where it is JavaScript, and compile in strict mode
 * where it is TypeScript: so it has no types that only one of them knows.
 */

/** The file, for the service called `namespace`. */
export function starterFile(namespace: string, name: string): string {
  const run = name.endsWith(".ts") ? `npx tsx ${name}` : `node ${name}`;
  return `/**
 * The one connection of this process: locks, leaders, jobs, sagas and calls.
 *
 * QUORATE_URL says where: redis://host:6379, nats://host:4222, or nothing for memory, which is this
 * process's own. Run by itself it says whether that works: ${run}
 */
import { pathToFileURL } from "node:url";
import { connect } from "quorate";

export const q = await connect(process.env["QUORATE_URL"] ?? "memory:", {
  namespace: "${namespace}",
  name: process.env["HOSTNAME"] ?? "dev", // What people see in \`quorate leader ls\`.
});

// SIGTERM: take nothing new, resign, give locks back. Less than what the platform waits.
q.closeOnSignal({ graceMs: 20_000 });

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const answer = await q.lock.run("hello", async (lock) => \`fenced by \${lock.check()}\`);
  console.log("it works:", answer, await q.health());
  await q.close();
}
`;
}
