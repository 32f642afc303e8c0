/**
 * Lua files, loaded once, told apart by the digest that Redis knows them by.
 *
 * A file may name another by a line `-- @include name`; it is put in its place. `$PUBLISH`,
 * `$CLAIM`, `$LINE`, `$LIVENESS` and `$WATCHED` stand for the publish command of the set-up and for
 * the protocol's bounds. A comment costs nothing: Redis compiles a script once.
 *
 * Does not load scripts into the server beforehand: `SCRIPT FLUSH` and failover may empty its cache
 * at any time, so each call is prepared for NOSCRIPT anyway.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** How long a grant by push stands without its holder's word: a paused process costs this much. */
export const CLAIM_WINDOW_MS = 500;
/** How long a process that waits counts as alive after its last refresh. */
export const LIVENESS_TTL_MS = 10_000;
/** How long after a watcher's last word changes are still published. */
export const WATCHED_TTL_MS = 30_000;

/** Longest line of a name: some ten thousand waiters. Each hand-over copies it. */
const MAX_LINE_BYTES = 1_048_576;

/** One script. */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

const INCLUDE = /^[ \t]*-- @include ([a-z-]+)$/gm;
const NAMES = [
  "bus-join",
  "bus-publish",
  "kv-delete",
  "kv-fence",
  "kv-get",
  "kv-list",
  "kv-poll",
  "kv-put",
  "kv-read",
  "kv-restamp",
  "lease",
  "lease-names",
  "lease-poll",
  "lease-read",
  "lease-refresh",
  "time",
] as const;

/** Names of the scripts that can be run. */
export type ScriptName = (typeof NAMES)[number];

/** All scripts of one set-up. */
export type Scripts = Readonly<Record<ScriptName, Script>>;

const files = new Map<string, string>();

/** The scripts, publishing to all nodes or, in a cluster, within the slot. */
export function loadScripts(publish: "PUBLISH" | "SPUBLISH"): Scripts {
  const load = (name: ScriptName): Script => {
    const source = expand(name)
      .replaceAll("$PUBLISH", publish)
      .replaceAll("$CLAIM", String(CLAIM_WINDOW_MS))
      .replaceAll("$LINE", String(MAX_LINE_BYTES))
      .replaceAll("$LIVENESS", String(LIVENESS_TTL_MS))
      .replaceAll("$WATCHED", String(WATCHED_TTL_MS));
    return { name, source, sha: createHash("sha1").update(source).digest("hex") };
  };
  return Object.fromEntries(NAMES.map((name) => [name, load(name)])) as Scripts;
}

function expand(name: string): string {
  return read(name).replaceAll(INCLUDE, (_, included: string) => expand(included));
}

function read(name: string): string {
  const known = files.get(name);
  if (known !== undefined) return known;
  const source = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
  files.set(name, source);
  return source;
}
