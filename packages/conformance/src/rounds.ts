/**
 * Rounds: which cases of the suite may run at once, and which may not.
 *
 * One at a time, cases run in the order of their areas. Several at a time, they come in rounds:
 * first all that leave each other alone; then, one by one, those that keep the machine busy,
 * measure it closely, or touch what is everybody's; then a company for each disaster.
 */
import type { Area, Case } from "./case.ts";
import { Company, disasterOf } from "./company.ts";
import type { Need } from "./harness.ts";

/** A case in its round. */
export interface Planned {
  readonly area: Area;
  readonly claim: Case;
  /** With whom it suffers what befalls the server. */
  readonly company?: Company;
}

/** Cases of which `width` may run at once. */
export interface Round {
  readonly width: number;
  readonly cases: readonly Planned[];
}

/** What is everybody's, though it is no disaster: a census, and connections by their kind. */
const COMMON: readonly Need[] = ["serverResources", "cutSubscriptions"];

/** Every case of `areas`, each in one round. */
export function roundsOf(
  areas: readonly Area[],
  options: { readonly concurrency: number; readonly without: readonly Need[] },
): Round[] {
  const { concurrency, without } = options;
  const all = areas.flatMap((area) => area.cases.map((claim) => ({ area, claim })));
  if (concurrency === 1) return [{ width: 1, cases: all }];

  const byManner = new Map<string, Planned[]>([
    ["beside", []],
    ["alone", []],
  ]);
  for (const planned of all) {
    const manner = mannerOf(planned.claim, without);
    byManner.set(manner, [...(byManner.get(manner) ?? []), planned]);
  }
  const { beside = [], alone = [], ...struck } = Object.fromEntries(byManner);
  const companies = Object.values(struck).flatMap((cases) => inCompany(cases, concurrency));
  return [{ width: concurrency, cases: beside }, { width: 1, cases: alone }, ...companies];
}

function mannerOf({ needs = [], isAlone = false }: Case, without: readonly Need[]): string {
  if (needs.some((need) => without.includes(need))) return "beside"; // It will not run.
  if (isAlone || needs.some((need) => COMMON.includes(need))) return "alone";
  return disasterOf(needs) ?? "beside";
}

function inCompany(cases: readonly Planned[], most: number): Round[] {
  const rounds: Round[] = [];
  for (let start = 0; start < cases.length; start += most) {
    const members = cases.slice(start, start + most);
    const company = new Company();
    rounds.push({
      width: members.length,
      cases: members.map((planned) => ({ ...planned, company })),
    });
  }
  return rounds;
}
