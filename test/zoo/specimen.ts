/**
 * A specimen: one bug, kept as data, and where it must be found.
 *
 * It is a change of a few words in our own code. The files on disk are never touched: the changed
 * text goes into a bundle in memory. So the zoo works on the code as it is today, and says so at
 * once where that has moved on.
 */
import type { EngineName } from "@quorate/simulator";

import type { ProfileKey } from "./profiles.ts";
import type { ScenarioName } from "./scenarios.ts";

/** Where a specimen comes from. */
export type Origin = "planted" | "found by us" | "found by a user";

/** Where it lives: what must find it. */
export interface Habitat {
  readonly scenario: ScenarioName;
  readonly engine: EngineName;
  readonly profile: ProfileKey;
  /** Seeds within which it is found; several times what it took, for seeds fall differently. */
  readonly seeds: number;
}

/** A change of one place. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string;
  /** Text that is in the file exactly once. */
  readonly find: string;
  /** Text in its place. */
  readonly replace: string;
}

/** A bug. */
export interface Specimen {
  /** In words with hyphens; unique. */
  readonly name: string;
  /** What went wrong in whose head, and what it does to users. */
  readonly story: string;
  /** Mostly one. */
  readonly edits: readonly Edit[];
  readonly foundBy: Habitat;
  /** @default "planted" */
  readonly origin?: Origin;
  /** The day on which it joined, as `2026-11-21`. */
  readonly joined: string;
}

/** The text of a file with an edit made. @throws Error the edit has lost its place. */
export function edited(name: string, { file, find, replace }: Edit, text: string): string {
  const places = text.split(find).length - 1;
  if (places !== 1) {
    const cure = "find the lines that do the same now, and put the bug there";
    throw new Error(`${name} has lost its place: its text is ${places} times in ${file}; ${cure}`);
  }
  if (find === replace) throw new Error(`${name} changes nothing in ${file}`);
  return text.replace(find, () => replace);
}
