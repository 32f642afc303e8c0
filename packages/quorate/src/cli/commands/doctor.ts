/**
 * The doctor: is this server fit for us, and how far away is it?
 *
 * It reads and measures (`doctor/probe-*.ts`), judges by a pure function (`doctor/judge.ts`), and
 * says of each finding what was found, what it means and the cure. Ids never change: alerts and
 * scripts may be built on them.
 *
 * Does not guarantee health: it sees what a client of this user may see, at this moment.
 */
import { invalidArgument, type Ms } from "@quorate/core";
import type { Command, LocalContext } from "../command.ts";
import { diagnose } from "../doctor/judge.ts";
import { examine } from "../doctor/examine.ts";
import { factsOf, reportOf } from "../doctor/report.ts";

const DEFAULT_TTL_MS = 15_000;

/** `quorate doctor`. */
export const doctor: Command = {
  isLocal: true,
  path: ["doctor"],
  args: [],
  summary: "the server, its settings, the distance, the clocks: what is wrong, and the cure",
  details:
    "Each finding has an id that never changes; docs/doctor.md tells of all. It ends with 1 " +
    "where something is wrong or risky, with 2 where the server cannot be reached. A lock and a " +
    "record below doctor/ are tried out and removed again; settings are only read.",
  options: [
    { name: "ttl", value: "MS", summary: "how long your leases last  @default 15000" },
    { name: "replicas", value: "N", summary: "NATS: copies that your service asks for" },
  ],
  examples: [
    "quorate doctor --redis localhost",
    "quorate doctor --nats localhost --namespace shop --replicas 3",
    "quorate doctor --json | jq -r '.findings[].id'",
  ],
  async run(context) {
    const { target, terminal } = context;
    const examination = await examine({
      target,
      ttlMs: numberOf(context, "ttl") ?? DEFAULT_TTL_MS,
      wantedReplicas: numberOf(context, "replicas"),
      signal: terminal.signal,
    });
    const facts = factsOf(examination);
    const findings = diagnose(examination);
    const isWell = findings.every(({ severity }) => severity === "note");
    context.tell({ ok: isWell, facts, findings }, reportOf(facts, findings));
    if (examination.kind === "unreachable") return 2;
    return isWell ? 0 : 1;
  },
};

function numberOf({ option }: LocalContext, name: string): Ms | undefined {
  const text = option(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() !== "" && Number.isInteger(number) && number > 0) return number;
  throw invalidArgument(`--${name}`, text, "a whole number above 0");
}
