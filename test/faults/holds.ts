/**
 * What the workers told, put together: one record for each claim.
 */
import type { Worker } from "./fleet.ts";
import type { Effect, Kind } from "./protocol.ts";

/** A claim, as far as it is known from outside. */
export interface Hold {
  readonly id: string;
  readonly worker: string;
  readonly kind: Kind;
  readonly askedMs: number;
  /** When the worker had it in hand. */
  heldMs: number | undefined;
  token: number | undefined;
  /** Each `check()` that passed did so at some instant between the two. */
  readonly believed: { readonly fromMs: number; readonly toMs: number }[];
  refused: { readonly effect: Effect; readonly atMs: number } | undefined;
  writing: { readonly count: number; readonly atMs: number } | undefined;
  wroteMs: number | undefined;
  releasingMs: number | undefined;
  ended: { readonly how: "released" | "lost"; readonly atMs: number } | undefined;
}

/** All claims of `workers`, by the time of asking, and what was broken. */
export function readHolds(workers: readonly Worker[]): {
  readonly holds: readonly Hold[];
  readonly broken: readonly string[];
} {
  const holds = new Map<string, Hold>();
  const broken: string[] = [];
  for (const worker of workers) {
    for (const told of worker.told) {
      if (told.type === "broken") broken.push(`${worker.name}: ${told.message}`);
      else if (told.type === "ask") holds.set(told.id, blank(worker.name, told));
      else if (told.type !== "ready") note(holds.get(told.id), told);
    }
  }
  return { holds: [...holds.values()].toSorted((a, b) => a.askedMs - b.askedMs), broken };
}

type Told = Worker["told"][number];

function blank(worker: string, { id, kind, atMs }: Extract<Told, { type: "ask" }>): Hold {
  const nothing = { heldMs: undefined, token: undefined, refused: undefined, writing: undefined };
  const later = { wroteMs: undefined, releasingMs: undefined, ended: undefined };
  return { id, worker, kind, askedMs: atMs, believed: [], ...nothing, ...later };
}

function note(hold: Hold | undefined, told: Told): void {
  if (hold === undefined) throw new Error(`told of a claim that was never asked: ${told.type}`);
  switch (told.type) {
    case "held":
      hold.heldMs = told.atMs;
      hold.token = told.token;
      break;
    case "believed":
      hold.believed.push(told);
      break;
    case "refused":
      hold.refused = told;
      break;
    case "writing":
      hold.writing = told;
      break;
    case "wrote":
      hold.wroteMs = told.atMs;
      break;
    case "releasing":
      hold.releasingMs = told.atMs;
      break;
    case "released":
    case "lost":
      hold.ended = { how: told.type, atMs: told.atMs };
      break;
    case "ask":
    case "ready":
    case "broken":
      break; // Not of a claim under way.
  }
}
