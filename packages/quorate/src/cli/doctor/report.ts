/**
 * The report: the facts, then each finding with what it means and the cure, the worst first.
 */
import type { Finding, Severity } from "./catalogue.ts";
import type { CommonFacts, Examination, NatsFacts, RedisFacts } from "./facts.ts";
import { percentile } from "./judge.ts";

const MARKS: Readonly<Record<Severity, string>> = { wrong: "✗", risk: "!", note: "·" };
const LABEL_WIDTH = 32;

/** One line of facts. */
export interface Fact {
  readonly what: string;
  readonly found: string;
}

/** What was measured and read, for people. */
export function factsOf(examination: Examination): readonly Fact[] {
  switch (examination.kind) {
    case "unreachable":
    case "locked-out":
      return [];
    case "memory":
      return [{ what: "server", found: "memory, in this process" }];
    case "redis": {
      const { common, redis } = examination;
      return [...(typeof redis === "string" ? [] : redisFacts(redis)), ...commonFacts(common)];
    }
    case "nats":
      return [...natsFacts(examination.nats), ...commonFacts(examination.common)];
  }
}

function commonFacts({ clock, tripsMs }: CommonFacts): Fact[] {
  const [typicalMs = 0, worstMs = 0] = [50, 99].map((percent) => percentile(tripsMs, percent));
  const trips = `${typicalMs.toFixed(2)} ms, ${worstMs.toFixed(2)} ms`;
  const offset =
    clock === undefined
      ? "the server does not tell its time"
      : `${clock.offsetMs >= 0 ? "+" : ""}${clock.offsetMs.toFixed(1)} ms, ` +
        `±${clock.errorMs.toFixed(1)} ms`;
  return [
    { what: "round trip p50, p99", found: trips },
    { what: "our clock against the server's", found: offset },
  ];
}

function redisFacts({ config, isAppendOnly, replicas, role, version }: RedisFacts): Fact[] {
  const fsync = config === undefined ? "" : `, appendfsync ${config.appendFsync}`;
  const snapshots = config === undefined || config.save === "" ? "" : `save "${config.save}"`;
  const kept = isAppendOnly ? `append-only file${fsync}` : snapshots || "nothing";
  return [
    { what: "server", found: `redis ${version}, ${role}, ${replicas.length} replicas` },
    { what: "a restart finds again", found: kept },
  ];
}

function natsFacts({ cluster, stream, streamName, version }: NatsFacts): Fact[] {
  const where = cluster === "" ? "alone" : `in the cluster ${cluster}`;
  const made =
    stream === undefined
      ? `${streamName} is not there yet`
      : `${streamName}, ${stream.replicas} copies, ${stream.storage}`;
  return [
    { what: "server", found: `nats-server ${version}, ${where}` },
    { what: "stream", found: made },
    {
      what: "a power cut loses",
      found: "at most what sync_interval allows: 2 minutes, unless the server says always",
    },
  ];
}

/** The report for people. */
export function reportOf(facts: readonly Fact[], findings: readonly Finding[]): string {
  const lines = facts.map(({ found, what }) => `✓ ${what.padEnd(LABEL_WIDTH)} ${found}`);
  for (const { cure, found, id, means, severity } of findings) {
    lines.push(
      `${MARKS[severity]} ${id}: ${found}`,
      `    means  ${means}`,
      `    cure   ${cure}`,
      `    more   docs/doctor.md#${anchorOf(id)}`,
    );
  }
  const count = (wanted: Severity): number =>
    findings.filter(({ severity }) => severity === wanted).length;
  const wrong = count("wrong");
  const risks = count("risk");
  const verdict =
    wrong + risks === 0 ? "all is well" : `${wrong} wrong, ${risks} risky: see the cures above`;
  return `${[...lines, verdict].join("\n")}\n`;
}

/** Where the page has it: GitHub's anchor of a heading that is the id. */
export function anchorOf(id: string): string {
  return id.replaceAll("/", "");
}
