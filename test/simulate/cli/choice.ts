/**
 * What to simulate, as the command line says it.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { EngineName, ProfileName } from "@quorate/simulator";

import type { Scenario } from "../scenario.ts";
import { SCENARIOS } from "../scenarios.ts";
import type { Setup } from "./options-for.ts";

/** Profiles by name. */
const PROFILES: readonly ProfileName[] = ["calm", "lossy", "harsh", "failover"];

/** What the command line asks for. */
export interface Choice {
  readonly scenario: Scenario;
  readonly profile: ProfileName;
  readonly engines: readonly EngineName[];
  readonly from: bigint;
  readonly seeds: number;
  /** One seed, to be played again with its trace. */
  readonly seed: string | undefined;
  readonly workers: number;
  /** Virtual time of a run, if not the scenario's own. */
  readonly durationMs: number | undefined;
  readonly shrink: boolean;
  /** Where to write the diagram of what failed. */
  readonly html: string | undefined;
}

/** The chosen scenario on one of its engines. */
export function setupOf(choice: Choice, engine: EngineName): Setup {
  const { scenario, profile, shrink, durationMs } = choice;
  const length = durationMs === undefined ? {} : { durationMs };
  return { scenario: scenario.name, engine, profile, shrink, ...length };
}

/** A command line that cannot be followed; its message is for people. */
export class BadChoice extends Error {}

/** How the command is used. */
export function usage(): string {
  const lines = SCENARIOS.map(({ name, claim }) => `  ${name.padEnd(16)}${claim}`);
  return [
    "usage: npm run simulate -- <scenario> [--seeds 200] [--from 0x1] [--profile harsh]",
    "         [--engine memory|redis|nats|all] [--seconds 60] [--workers n] [--shrink]",
    "         [--html file]",
    "       npm run simulate -- <scenario> --seed 0x2f    one seed again, with its trace",
    "scenarios:",
    ...lines,
  ].join("\n");
}

/** Reads a command line. @throws BadChoice it cannot be followed. */
export function parseChoice(args: readonly string[]): Choice {
  const { values, positionals } = parsed(args);
  const [name = "", ...rest] = positionals;
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined || rest.length > 0) {
    const why = name === "" ? "" : `no scenario "${positionals.join(" ")}"\n`;
    throw new BadChoice(why + usage());
  }
  const profile = oneOf("profile", values.profile ?? scenario.profiles[0] ?? "harsh", PROFILES);
  if (!scenario.profiles.includes(profile)) {
    const allowed = scenario.profiles.join(", ");
    throw new BadChoice(`${name} claims nothing under ${profile}; it does under ${allowed}`);
  }
  const engine = oneOf("engine", values.engine, ["all", ...scenario.engines] as const);
  return {
    scenario,
    profile,
    engines: engine === "all" ? scenario.engines : [engine],
    from: seedOf("from", values.from),
    seeds: countOf("seeds", values.seeds),
    seed: values.seed === undefined ? undefined : `0x${seedOf("seed", values.seed).toString(16)}`,
    workers: values.workers === undefined ? threads() : countOf("workers", values.workers),
    durationMs:
      values.seconds === undefined ? undefined : 1_000 * countOf("seconds", values.seconds),
    shrink: values.shrink,
    html: values.html,
  };
}

/** What `npm run soak` asks for. */
export interface SoakChoice {
  readonly minutes: number;
  readonly from: bigint | undefined;
  readonly workers: number;
}

/** Reads a command line of `npm run soak`. @throws BadChoice it cannot be followed. */
export function parseSoak(args: readonly string[]): SoakChoice {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: "string", default: "10" },
        from: { type: "string" },
        workers: { type: "string" },
      },
    });
    return {
      minutes: countOf("minutes", values.minutes),
      from: values.from === undefined ? undefined : seedOf("from", values.from),
      workers: values.workers === undefined ? threads() : countOf("workers", values.workers),
    };
  } catch (error) {
    if (error instanceof BadChoice) throw error;
    const how = "usage: npm run soak -- [--minutes 10] [--from 0x1] [--workers n]";
    throw new BadChoice(`${(error as Error).message}\n${how}`);
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seeds: { type: "string", default: "200" },
        from: { type: "string", default: "0x1" },
        seed: { type: "string" },
        profile: { type: "string" },
        engine: { type: "string", default: "all" },
        workers: { type: "string" },
        seconds: { type: "string" },
        shrink: { type: "boolean", default: false },
        html: { type: "string" },
      },
    });
  } catch (error) {
    throw new BadChoice(`${(error as Error).message}\n${usage()}`);
  }
}

/** One a core: threads beyond that only take turns. */
function threads(): number {
  return Math.max(1, Math.min(availableParallelism(), 8));
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new BadChoice(`--${option} is one of ${known.join(", ")}`);
  return found;
}

function countOf(option: string, value: string): number {
  const count = Number(value);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new BadChoice(`--${option} is a positive whole number, not ${value}`);
}

function seedOf(option: string, value: string): bigint {
  try {
    if (value.trim() !== "") return BigInt.asUintN(64, BigInt(value));
  } catch {
    // Said below, like a blank.
  }
  throw new BadChoice(`--${option} is a seed, such as 0x2f, not ${value}`);
}
