/**
 * The parts of a stage, side by side: done, or undone.
 */
import { runChild, undoChild } from "./children.ts";
import { runStep } from "./do-step.ts";
import type { InHand } from "./in-hand.ts";
import type { Part } from "./parts.ts";
import { undoStep } from "./undo-step.ts";

/** Does `parts`, or undoes them. The first failure waits for the others to end. */
export function doParts(
  run: InHand,
  kind: "run" | "undo",
  parts: readonly Part[],
): Promise<unknown> {
  const [only] = parts;
  const act = kind === "run" ? runPart : undoPart;
  if (parts.length === 1 && only !== undefined) return act(run, only);
  return allEnded(parts.map((part) => act(run, part)));
}

function runPart(run: InHand, part: Part): Promise<void> {
  return part.kind === "step" ? runStep(run, part) : runChild(run, part);
}

function undoPart(run: InHand, part: Part): Promise<void> {
  return part.kind === "step" ? undoStep(run, part) : undoChild(run, part);
}

/** As `Promise.all`, but the first failure waits for the others to end. */
async function allEnded(all: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(all);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
