/**
 * Pages that are written from what they describe: `docs/cli.md` from the table of commands, and
 * the list of findings in `docs/doctor.md` from the doctor's catalogue.
 */
import type { Command, CommandOption } from "../../packages/quorate/src/cli/command.ts";
import { CATALOGUE } from "../../packages/quorate/src/cli/doctor/catalogue.ts";
import { anchorOf } from "../../packages/quorate/src/cli/doctor/report.ts";
import { callOf, COMMON } from "../../packages/quorate/src/cli/help.ts";

/** Between these two lines of `docs/doctor.md` is what is written from the catalogue. */
export const FROM_CATALOGUE = {
  begin: "<!-- from the catalogue: QUORATE_UPDATE=1 npx vitest run test/quorate/pages.test.ts -->",
  end: "<!-- end of the catalogue -->",
} as const;

const MANNERS = [
  ["`--json`:", "standard output is one JSON value; of what goes on for ever, one per change."],
  ["What went wrong", 'is on standard error; with `--json` as `{ "error": … }`.'],
  ["Exit code 0:", "all is well, and it was done."],
  ["Exit code 1:", "something is wrong (a finding, a failed run, a stuck saga), or was refused."],
  ["Exit code 2:", "it was not understood, or nobody could be reached: nothing was begun."],
  [
    "What cannot be taken back",
    "is said first, and asked; refused where nobody is there, but for `--yes`.",
  ],
  ["Passwords of URLs", "are never shown: not in errors, not in JSON."],
  ["Pipes, files and `NO_COLOR`", "get text without escapes."],
  ["Ctrl-C", "ends what goes on for ever, with 0."],
  ["Errors", "end with the code ([all of them](errors.md)), the exit code and the cure."],
] as const;

const HEAD = `# Command line

<!-- Written from packages/quorate/src/cli by QUORATE_UPDATE=1 npx vitest run test/quorate/pages -->

\`npx quorate\` looks at the locks, leaders, jobs, sagas and keys of a running system, and acts on
them. It comes with the package \`quorate\`, and needs the client of your engine beside it.

\`\`\`
export QUORATE_URL=redis://127.0.0.1:6379   # or --redis HOST, --nats HOST, --url URL
npx quorate doctor                          # is the server fit?
npx quorate lock ls                         # who holds what
npx quorate help lock break                 # all about one command
\`\`\`

## Manners

${MANNERS.map(([what, means]) => `- **${what}** ${means}`).join("\n")}

Every command takes these options:

\`\`\`
`;

/** The whole of `docs/cli.md`. */
export function referenceOf(commands: readonly Command[]): string {
  const groups = [...new Set(commands.map(({ path }) => path[0] ?? ""))];
  const index = groups.map((group) => {
    const verbs = commands.filter(({ path }) => path[0] === group);
    const summaries = verbs.map(({ path, summary }) => {
      const verb = path.slice(1).join(" ");
      return verb === "" ? escaped(summary) : `\`${verb}\`: ${escaped(summary)}`;
    });
    return `| [${group}](#${group}) | ${summaries.join("<br>")} |`;
  });
  const sections = groups.map((group) => {
    const own = commands.filter(({ path }) => path[0] === group);
    return [`## ${group}`, "", ...own.flatMap((command) => sectionOf(command))].join("\n");
  });
  const common = COMMON.map((line) => line.slice(2)).join("\n");
  const table = ["| command | |", "|--|--|", ...index].join("\n");
  return `${HEAD}${common}\n\`\`\`\n\n## All commands\n\n${table}\n\n${sections.join("\n")}`;
}

function sectionOf(command: Command): string[] {
  const { args, details, examples = [], options = [], summary, warning } = command;
  const lines = [`### \`${callOf(command)}\``, "", `${capital(escaped(summary))}.`, ""];
  if (details !== undefined) lines.push(escaped(details.replaceAll(/\s+/g, " ")), "");
  if (warning !== undefined) {
    const said = warning(args.map((name) => `<${name}>`)).split("\n");
    lines.push("Asks first:", "", ...said.map((line) => `> ${escaped(line)}`), "");
  }
  if (options.length > 0) lines.push("| option | |", "|--|--|", ...options.map(optionRow), "");
  if (examples.length > 0) lines.push("```", ...examples, "```", "");
  return lines;
}

function optionRow({ name, summary, value }: CommandOption): string {
  const [what = "", byDefault] = summary.split(/ *@default */);
  const shown = byDefault === undefined ? "" : `; by default ${escaped(byDefault)}`;
  return `| \`--${name}${value === undefined ? "" : ` ${value}`}\` | ${escaped(what)}${shown} |`;
}

/** The findings, as a table and one section each. */
export function findingsPage(): string {
  const entries = Object.entries(CATALOGUE);
  const rows = entries.map(([id, { means, severity }]) => {
    return `| [\`${id}\`](#${anchorOf(id)}) | ${severity} | ${escaped(means)} |`;
  });
  const sections = entries.flatMap(([id, { cure, means, severity }]) => [
    `### ${id}`,
    "",
    `*${severity}.* ${capital(escaped(means))}.`,
    "",
    `Cure: \`${cure}\``,
    "",
  ]);
  const table = ["| id | severity | what it means |", "|--|--|--|", ...rows].join("\n");
  return `\n${table}\n\n${sections.join("\n")}`;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
