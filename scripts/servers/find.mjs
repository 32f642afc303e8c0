/**
 * Finds server programs on this machine, without downloading anything.
 *
 * In this order: the list that `npm test` left in the environment; REDIS_SERVER_BIN,
 * NATS_SERVER_BIN and POSTGRES_SERVER_BIN; PATH and the places where package managers put servers
 * but PATH often does not look; the repository's own `.quorate/` (filled by `fetch.mjs`). A program
 * that does not tell a version, or too old a one, does not count.
 */
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @import { Binary, FoundServers, NatsLine, Need, ServerName } from "./types.ts" */

/** Where unpacked servers live: `.quorate/servers/<set>/manifest.json` and its files. */
export const CACHE_DIR = fileURLToPath(new URL("../../.quorate/servers/", import.meta.url));

/** Carries what was found from `npm test` to the test processes, as JSON. */
export const FOUND_ENV = "QUORATE_SERVERS";

/** @type {readonly NatsLine[]} */
export const NATS_LINES = ["2.9", "2.10", "2.15"];

const OLDEST_REDIS = 7;
const OLDEST_POSTGRES = 13;
const EXTRA_DIRS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** @type {FoundServers | undefined} */
let remembered;

/**
 * Everything found, asked once per process.
 *
 * @returns {FoundServers}
 */
export function foundServers() {
  const handed = process.env[FOUND_ENV];
  remembered ??= handed === undefined ? searchServers() : JSON.parse(handed);
  return /** @type {FoundServers} */ (remembered);
}

/**
 * Searches afresh.
 *
 * @returns {FoundServers}
 */
export function searchServers() {
  const { env } = process;
  const dirs = [...(env["PATH"] ?? "").split(delimiter), ...EXTRA_DIRS].filter(Boolean);
  const cached = readCache();

  const redis = firstOf([
    () => probe(env["REDIS_SERVER_BIN"], "REDIS_SERVER_BIN"),
    ...["redis-server", "valkey-server"].map((name) => () => probe(which(name, dirs), "PATH")),
    () => cached.redis,
  ]);
  if (redis === undefined && env["REDIS_SERVER_BIN"]) complain("REDIS_SERVER_BIN");

  // All of them count, each for its own line; an earlier place wins within a line.
  /** @type {Record<string, Binary>} */
  const nats = {};
  const named = probe(env["NATS_SERVER_BIN"], "NATS_SERVER_BIN");
  if (named === undefined && env["NATS_SERVER_BIN"]) complain("NATS_SERVER_BIN");
  for (const binary of [named, probe(which("nats-server", dirs), "PATH"), ...cached.nats]) {
    if (binary !== undefined) nats[lineOf(binary.version)] ??= binary;
  }

  const postgres = firstOf([
    () => probePostgres(env["POSTGRES_SERVER_BIN"], "POSTGRES_SERVER_BIN"),
    () => probePostgres(which("postgres", [...dirs, ...debianPostgresDirs("/")]), "PATH"),
    () => cached.postgres,
  ]);
  if (postgres === undefined && env["POSTGRES_SERVER_BIN"]) complain("POSTGRES_SERVER_BIN");
  return { redis, nats, postgres };
}

/**
 * Where Debian puts PostgreSQL, below `root`: one directory a version, none of them in PATH.
 *
 * @param {string} root
 */
export function debianPostgresDirs(root) {
  const dir = join(root, "usr/lib/postgresql");
  const versions = existsSync(dir) ? readdirSync(dir) : [];
  return versions
    .toSorted(byVersion)
    .toReversed()
    .map((version) => join(dir, version, "bin"));
}

/**
 * A PostgreSQL with its `initdb`, which stands beside the program itself and not beside its links.
 *
 * @param {string | undefined} path
 * @param {string} source
 * @param {readonly string[]} [libraryDirs]
 */
export function probePostgres(path, source, libraryDirs) {
  if (!path || !existsSync(path)) return undefined;
  const program = realpathSync(path);
  const whole = existsSync(join(dirname(program), "initdb"));
  return whole ? probe(program, source, libraryDirs) : undefined;
}

/**
 * The line of a NATS version: "2.9", "2.10", "2.12"; all from 2.15 on count as "2.15".
 *
 * @param {string} version
 */
export function lineOf(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 15) ? "2.15" : `${major}.${minor}`;
}

/** True if `startRedis` will work. */
export function redisAvailable() {
  return foundServers().redis !== undefined;
}

/**
 * True if `startNats` will work for this version, or for any.
 *
 * @param {NatsLine} [version]
 */
export function natsAvailable(version) {
  const { nats } = foundServers();
  return version === undefined ? Object.keys(nats).length > 0 : nats[version] !== undefined;
}

/**
 * Whether a suite must be skipped for want of a server. With CI=true it throws instead: a server
 * that is quietly missing there would turn a whole suite green.
 *
 * @param {ServerName} what
 * @returns {Need}
 */
export function needs(what) {
  if (isAvailable(what)) {
    return { skip: false, reason: "" };
  }
  const reason = `${what} is not available. ${cureFor(what)}`;
  if (process.env["CI"] === "true") throw new Error(reason);
  return { skip: true, reason };
}

/** @param {ServerName} what */
function isAvailable(what) {
  if (what === "redis") return redisAvailable();
  if (what === "postgres") return foundServers().postgres !== undefined;
  return natsAvailable(/** @type {NatsLine | undefined} */ (what.split("@")[1]));
}

/** What package managers call them. */
const PACKAGES = {
  redis: { debian: "redis-server", homebrew: "redis" },
  nats: { debian: "nats-server", homebrew: "nats-server" },
  postgres: { debian: "postgresql", homebrew: "postgresql" },
};

/**
 * How a person gets the server.
 *
 * @param {ServerName} what
 */
export function cureFor(what) {
  const name = /** @type {keyof typeof PACKAGES} */ (what.split("@")[0]);
  const { debian, homebrew } = PACKAGES[name];
  const onMac = process.platform === "darwin";
  const install = onMac ? `brew install ${homebrew}` : `apt-get install ${debian}`;
  const variable = `${name.toUpperCase()}_SERVER_BIN`;
  return `Run \`npm run servers\` to fetch it, or \`${install}\`, or set ${variable} to a program.`;
}

/** The Redis to start, or an error that says how to get one. */
export function redisBinary() {
  const { redis } = foundServers();
  if (redis === undefined) throw new Error(`redis is not available. ${cureFor("redis")}`);
  return redis;
}

/**
 * The NATS to start: of that line, or the newest of all.
 *
 * @param {NatsLine} [version]
 */
export function natsBinary(version) {
  const { nats } = foundServers();
  const line = version ?? Object.keys(nats).toSorted(byVersion).at(-1);
  const binary = line === undefined ? undefined : nats[line];
  if (binary !== undefined) return binary;
  /** @type {ServerName} */
  const what = version === undefined ? "nats" : `nats@${version}`;
  throw new Error(`${what} is not available. ${cureFor(what)}`);
}

/** The PostgreSQL to start, or an error that says how to get one. */
export function postgresBinary() {
  const { postgres } = foundServers();
  if (postgres === undefined) throw new Error(`postgres is not available. ${cureFor("postgres")}`);
  return postgres;
}

/**
 * Asks a program for its version; undefined if it does not run or is too old.
 *
 * @param {string | undefined} path
 * @param {string} source
 * @param {readonly string[]} [libraryDirs]
 * @returns {Binary | undefined}
 */
export function probe(path, source, libraryDirs = []) {
  if (!path) return undefined;
  const env = { ...process.env };
  if (libraryDirs.length > 0) env["LD_LIBRARY_PATH"] = libraryDirs.join(":");
  const { stdout, status } = spawnSync(path, ["--version"], { encoding: "utf8", env });
  if (status !== 0) return undefined;
  const redis = /server v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (redis !== undefined && Number.parseInt(redis, 10) < OLDEST_REDIS) return undefined;
  const postgres = /\(PostgreSQL\) (\d+\.\d+)/.exec(stdout)?.[1];
  if (postgres !== undefined && Number.parseInt(postgres, 10) < OLDEST_POSTGRES) return undefined;
  const version = redis ?? postgres ?? /nats-server: v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  return version === undefined ? undefined : { path, version, source, libraryDirs };
}

/**
 * What `fetch.mjs` left in the cache. Versions were probed then, and are believed now.
 *
 * @returns {{ redis: Binary | undefined, nats: Binary[], postgres: Binary | undefined }}
 */
function readCache() {
  const sets = existsSync(CACHE_DIR) ? readdirSync(CACHE_DIR).toSorted() : [];
  const manifests = sets.flatMap((set) => {
    const file = join(CACHE_DIR, set, "manifest.json");
    return existsSync(file) ? [readManifest(join(CACHE_DIR, set), file)] : [];
  });
  return {
    redis: manifests.find(({ redis }) => redis !== undefined)?.redis,
    nats: manifests.flatMap(({ nats }) => (nats === undefined ? [] : [nats])),
    postgres: manifests.find(({ postgres }) => postgres !== undefined)?.postgres,
  };
}

/**
 * @param {string} dir
 * @param {string} file
 * @returns {Partial<Record<"redis" | "nats" | "postgres", Binary>>}
 */
function readManifest(dir, file) {
  /** @type {Record<string, Binary>} */
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  // Paths are kept relative, so that a moved or copied clone keeps its servers.
  const placed = Object.entries(manifest).map(([name, binary]) => [
    name,
    {
      ...binary,
      path: join(dir, binary.path),
      libraryDirs: binary.libraryDirs.map((sub) => join(dir, sub)),
    },
  ]);
  return Object.fromEntries(placed);
}

/**
 * @param {string} name
 * @param {readonly string[]} dirs
 */
function which(name, dirs) {
  return dirs
    .map((dir) => join(dir, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @param {string} variable */
function complain(variable) {
  const path = process.env[variable];
  throw new Error(`${variable}=${path} does not run, tells no version, or is too old`);
}

/**
 * @template T
 * @param {readonly (() => T | undefined)[]} candidates
 */
function firstOf(candidates) {
  for (const candidate of candidates) {
    const value = candidate();
    if (value !== undefined) return value;
  }
  return undefined;
}

/**
 * @param {string} a
 * @param {string} b
 */
function byVersion(a, b) {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
