/**
 * Finds processes that wait for something which virtual time will never bring.
 *
 * Not every door out of a simulation can be closed: a file that is read, a hash that is computed
 * in another thread, a module that is imported. Their answers come in real time, after the run. A
 * process that awaits one just stops. It shows as a main that has not ended although nothing is on
 * its way to it: no timer, no message, nobody it listens to.
 */
import type { Kernel } from "../kernel/kernel.ts";
import type { Inhabitant } from "./world.ts";

/** The processes that are stuck, for people; empty if none is. */
export function stuckProcesses(kernel: Kernel, inhabitants: readonly Inhabitant[]): string {
  const stuck = inhabitants.filter(({ node, main }) => {
    if (main !== "running" || node.state !== "running" || node.pendingTimers > 0) return false;
    return !kernel.network.isBound(node) && kernel.network.connections(node) === 0;
  });
  if (stuck.length === 0) return "";
  const names = stuck.map(({ node }) => {
    return `${node.name} (since ${(node.lastActiveUs / 1_000).toFixed(0)} ms)`;
  });
  return (
    `${names.join(", ")} wait for something outside the simulation: a timer, file, socket, hash ` +
    "or import of the real Node.js; hand in the Runtime instead, or do it before the run"
  );
}

/** Real resources that a run opened and left open: what `kinds` has more of than before. */
export function openedResources(
  kernel: Kernel,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): void {
  const opened = [...after].filter(([kind, count]) => count > (before.get(kind) ?? 0));
  if (opened.length === 0) return;
  const kinds = opened.map(([kind]) => kind);
  kernel.violate(NOTHING_REAL, outsideMessage("the run", kinds));
}

/** The claim that code under simulation keeps to virtual time. */
export const NOTHING_REAL = "no real time, chance or I/O";

/** What to say of real resources that were opened. */
export function outsideMessage(who: string, kinds: readonly string[]): string {
  return (
    `${who} opened real resources of Node.js (${kinds.join(", ")}), which virtual time cannot ` +
    "wait for; hand in the Runtime or a store instead, or do it before the run"
  );
}
