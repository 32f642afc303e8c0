/** The fault probes as a section of the benchmark: ours at zero, and what the peers do. */
import type { Measure } from "../harness/run.ts";
import { PROBED } from "./contenders/catalogue.ts";
import type { Contender } from "./contenders/contender.ts";
import { quorate } from "./contenders/quorate.ts";
import { redisUrl } from "./redis-url.ts";
import { type Found, PROBES, runProbes } from "./probes/run.ts";

const MARKS = { holds: "✔", fault: "✘", "n/a": "–" } as const;

/** Probes every library, one after another. */
export const measureFaults: Measure = async () => {
  const url = redisUrl();
  const found = new Map<Contender, Found[]>();
  for (const contender of PROBED) found.set(contender, await runProbes(contender, url));
  const ours = found.get(quorate) ?? [];
  const faults = ours.filter(({ finding }) => finding.kind === "fault").length;
  const skipped = ours.filter(({ finding }) => finding.kind === "n/a").length;
  return {
    title: "Fault probes",
    method:
      "Each row is a situation that services get into, played on a real Redis through a proxy " +
      "that can be cut. ✘: something ran twice, somebody got another's answer or was told what " +
      "is not so, or a key was lost. –: it cannot arise by the library's design. A library may " +
      "refuse or wait as it likes. Each is used as its README shows; Powertools is told of a " +
      "Lambda's time left in the rows about owners, and runs as in a plain service in the " +
      "others. `bench/idempotency/probes` takes any library.",
    tables: [{ head: ["situation", ...PROBED.map(({ title }) => title)], rows: rowsOf(found) }],
    remarks: remarksOf(found),
    claims: [
      {
        name: "probes in which ours shows no fault",
        bar: `${PROBES.length} of ${PROBES.length}`,
        measured: `${PROBES.length - faults - skipped}`,
        held: faults + skipped === 0,
      },
    ],
  };
};

function rowsOf(found: ReadonlyMap<Contender, readonly Found[]>): string[][] {
  const rows = PROBES.map((probe, row) => [
    probe.title,
    ...[...found.values()].map((findings) => MARKS[findings[row]?.finding.kind ?? "n/a"]),
  ]);
  const counts = [...found.values()].map(
    (findings) => `${findings.filter(({ finding }) => finding.kind === "fault").length}`,
  );
  return [...rows, ["faults", ...counts]];
}

/** What was seen where a peer shows a fault. */
function remarksOf(found: ReadonlyMap<Contender, readonly Found[]>): string[] {
  return [...found].flatMap(([{ title }, findings]) => {
    const faults = findings.filter(({ finding }) => finding.kind === "fault");
    if (faults.length === 0) return [];
    const words = faults.map(({ probe, finding }) => `${probe.title}: ${finding.saw}`);
    return [`${title}: ${words.join("; ")}.`];
  });
}
