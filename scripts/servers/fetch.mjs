/**
 * Fills `.quorate/servers/` with the server programs that this machine lacks.
 *
 * First from Debian packages (no root, nothing installed), then out of docker images if a daemon
 * answers. A set of files is made beside its place and moved there whole, so that an interrupted
 * fetch leaves nothing that looks finished. Two runs at once are kept apart by a lock.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";

import { withLock } from "../lock.mjs";
import { done, say, stopwatch } from "../say.mjs";
import { hasApt, ownSource, unpackPackages } from "./apt.mjs";
import {
  CACHE_DIR,
  debianPostgresDirs,
  NATS_LINES,
  probe,
  probePostgres,
  searchServers,
} from "./find.mjs";
import { LIBRARY_PACKAGES } from "./libraries.mjs";
import { run } from "./run.mjs";

/**
 * @import { AptSource } from "./apt.mjs"
 * @import { Binary, FoundServers, NatsLine, ServerName } from "./types.ts"
 */

/** @typedef {{ redis: boolean, nats: readonly NatsLine[], postgres: boolean }} Wish */
/** @typedef {Partial<Record<"redis" | "nats" | "postgres", Binary | undefined>>} Binaries */

// Debian suites and what each gives us. The rolling suite is where the newest NATS comes from.
const DEBIAN_SUITES = [
  { suite: "bookworm", redis: true, line: "2.9" },
  { suite: "trixie", redis: false, line: "2.10" },
  { suite: "sid", redis: false, line: "2.15" },
];

// `redis-server` is a link into `redis-tools`; the libraries are those a small system may lack.
const REDIS_PACKAGES = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"];

// The major version is in the package's name, and each suite has one.
const POSTGRES_SUITES = { bookworm: "15", trixie: "17", jammy: "14", noble: "16" };
const OWN_POSTGRES_SUITE = "bookworm";

const DOCKER_IMAGES = [
  { image: "redis:7", file: "/usr/local/bin/redis-server", redis: true, line: undefined },
  { image: "nats:2.9", file: "/nats-server", redis: false, line: "2.9" },
  { image: "nats:2.10", file: "/nats-server", redis: false, line: "2.10" },
  { image: "nats:latest", file: "/nats-server", redis: false, line: "2.15" },
];

/**
 * What is still missing of `wish`.
 *
 * @param {FoundServers} found
 * @param {Wish} wish
 * @returns {ServerName[]}
 */
export function missing(found, wish) {
  const absent = wish.nats.filter((line) => !found.nats[line]);
  return [
    ...(wish.redis && !found.redis ? [/** @type {const} */ ("redis")] : []),
    ...absent.map((line) => /** @type {const} */ (`nats@${line}`)),
    ...(wish.postgres && !found.postgres ? [/** @type {const} */ ("postgres")] : []),
  ];
}

/** Everything that the tests can use. */
export const ALL = /** @type {Wish} */ ({ redis: true, nats: NATS_LINES, postgres: true });

/**
 * Finds servers, fetching what is missing. Never throws for a failed fetch: the reasons are
 * returned, and the caller decides whether to skip or to fail.
 *
 * @param {Wish} wish
 * @returns {Promise<{ found: FoundServers, missing: ServerName[], reasons: string[] }>}
 */
export async function obtainServers(wish) {
  let found = searchServers();
  /** @type {string[]} */
  const reasons = [];
  if (missing(found, wish).length > 0) {
    mkdirSync(CACHE_DIR, { recursive: true });
    await withLock(join(CACHE_DIR, "..", "servers.lock"), async () => {
      sweep();
      for (const from of [fetchWithApt, fetchWithDocker]) {
        found = searchServers(); // Whoever held the lock before us may have fetched all.
        const names = missing(found, wish);
        if (names.length > 0) reasons.push(...(await from(names)));
      }
    });
    found = searchServers();
  }
  return { found, missing: missing(found, wish), reasons };
}

/**
 * @param {readonly ServerName[]} names
 * @returns {Promise<string[]>} why something could not be had
 */
async function fetchWithApt(names) {
  if (!(await hasApt())) return ["apt: not a Debian system"];
  const time = stopwatch();
  say(`fetching ${names.join(", ")} from Debian packages (no root, into .quorate)…`);
  /** @type {string[]} */
  const reasons = [];
  try {
    const { source, distribution, codename } = ownSource();
    const suites =
      distribution === "debian"
        ? DEBIAN_SUITES.filter(
            ({ redis, line }) =>
              (redis && names.includes("redis")) || names.some((name) => name === `nats@${line}`),
          )
        : names.some((name) => name !== "postgres")
          ? [{ suite: codename, redis: true, line: "own" }]
          : [];
    const fetches = suites.map(async ({ suite, redis, line }) => {
      const wanted = {
        redis: redis && names.includes("redis"),
        nats: line === "own" || names.some((name) => name === `nats@${line}`),
      };
      await fetchSuite(source, suite, wanted).catch((error) =>
        reasons.push(`apt ${suite}: ${error.message}`),
      );
    });
    if (names.includes("postgres")) {
      const suite = distribution === "debian" ? OWN_POSTGRES_SUITE : codename;
      const fetched = fetchPostgres(source, suite).catch((error) =>
        reasons.push(`apt ${suite}, postgres: ${error.message}`),
      );
      fetches.push(/** @type {Promise<void>} */ (fetched));
    }
    await Promise.all(fetches);
  } catch (error) {
    reasons.push(`apt: ${/** @type {Error} */ (error).message}`);
  }
  if (reasons.length === 0) done(`servers fetched (${time()})`);
  return reasons;
}

/**
 * @param {AptSource} source
 * @param {string} suite
 * @param {{ redis: boolean, nats: boolean }} wanted
 */
async function fetchSuite(source, suite, wanted) {
  const name = [suite, wanted.redis && "redis", wanted.nats && "nats"].filter(Boolean).join("-");
  const packages = [
    ...(wanted.redis ? REDIS_PACKAGES : []),
    ...(wanted.nats ? ["nats-server"] : []),
  ];
  // A derivative keeps these packages in its second component.
  const debian = DEBIAN_SUITES.some((known) => known.suite === suite);
  const components = debian ? "main" : "main universe";
  await makeSet(name, async (setDir, workDir) => {
    const rootDir = join(setDir, "root");
    const place = { source, suite, components, workDir, rootDir };
    await unpackPackages({ ...place, packages, update: true });
    const server = findFile(rootDir, "redis-server");
    if (server !== undefined) await addLibraries(server, setDir, place);
    return {
      redis: probe(server, "cache", libraryDirs(setDir)),
      nats: probe(findFile(rootDir, "nats-server"), "cache"),
    };
  });
}

/**
 * A set of its own: it is the largest, and must not take the others down with it.
 *
 * @param {AptSource} source
 * @param {string} suite
 */
async function fetchPostgres(source, suite) {
  const major = /** @type {Record<string, string>} */ (POSTGRES_SUITES)[suite];
  if (major === undefined) throw new Error(`which PostgreSQL it has is not known here`);
  const packages = [`postgresql-${major}`, `postgresql-client-${major}`, "libpq5"];
  await makeSet(`${suite}-postgres`, async (setDir, workDir) => {
    const rootDir = join(setDir, "root");
    const place = { source, suite, workDir, rootDir };
    await unpackPackages({ ...place, packages, update: true });
    const [bin = ""] = debianPostgresDirs(rootDir);
    await addLibraries(join(bin, "postgres"), setDir, place);
    await addLibraries(join(bin, "initdb"), setDir, place);
    return { postgres: probePostgres(join(bin, "postgres"), "cache", libraryDirs(setDir)) };
  });
}

/**
 * Out of images, by copying the program: a server that runs as our own process can be paused and
 * killed like any other. Needs a program that runs on this system, which for a static NATS is any
 * Linux, for Redis one with the usual libraries.
 *
 * @param {readonly ServerName[]} names
 * @returns {Promise<string[]>}
 */
async function fetchWithDocker(names) {
  const daemon = await run("docker", ["version", "--format", "{{.Server.Version}}"]);
  if (!daemon.ok || process.platform !== "linux") return ["docker: no daemon answers"];
  const reasons = [];
  for (const { image, file, redis, line } of DOCKER_IMAGES) {
    if (!names.includes(redis ? "redis" : /** @type {ServerName} */ (`nats@${line}`))) continue;
    const time = stopwatch();
    say(`fetching ${file.split("/").at(-1)} out of the image ${image}…`);
    const set = `docker-${image.replace(":", "-")}`;
    try {
      await makeSet(set, async (setDir) => {
        const created = await run("docker", ["create", image]);
        const id = created.output.trim().split("\n").at(-1) ?? "";
        if (!created.ok) throw new Error(created.output.trim().slice(-300));
        const program = join(setDir, redis ? "redis-server" : "nats-server");
        await run("docker", ["cp", `${id}:${file}`, program]);
        await run("docker", ["rm", id]);
        const binary = probe(program, "cache");
        return redis ? { redis: binary } : { nats: binary };
      });
      done(`${set} (${time()})`);
    } catch (error) {
      reasons.push(`docker ${image}: ${/** @type {Error} */ (error).message}`);
    }
  }
  return reasons;
}

/**
 * Fills a directory beside its place, checks that it has a program that runs, moves it there.
 *
 * @param {string} name
 * @param {(setDir: string, workDir: string) =>
 *   Promise<Binaries>} fill
 */
async function makeSet(name, fill) {
  const workDir = mkdtempSync(join(CACHE_DIR, "..", "work-"));
  const setDir = join(workDir, "set");
  mkdirSync(setDir);
  try {
    const binaries = await fill(setDir, workDir);
    const running = Object.entries(binaries).flatMap(([server, binary]) =>
      binary === undefined ? [] : [/** @type {const} */ ([server, binary])],
    );
    if (running.length === 0) throw new Error("the program does not run here");
    const here = (/** @type {Binary} */ binary) => ({
      ...binary,
      path: relative(setDir, binary.path),
      libraryDirs: binary.libraryDirs.map((dir) => relative(setDir, dir)),
    });
    const manifest = Object.fromEntries(running.map(([server, binary]) => [server, here(binary)]));
    writeFileSync(join(setDir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    rmSync(join(CACHE_DIR, name), { recursive: true, force: true });
    renameSync(setDir, join(CACHE_DIR, name));
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

/** Removes what a killed fetch left; only under the lock. */
function sweep() {
  const home = join(CACHE_DIR, "..");
  for (const name of readdirSync(home).filter((entry) => entry.startsWith("work-"))) {
    rmSync(join(home, name), { recursive: true, force: true });
  }
}

/**
 * Adds the libraries that the loader does not find, and those that these need in turn.
 *
 * @param {string} program
 * @param {string} setDir
 * @param {{ source: AptSource, suite: string, workDir: string, rootDir: string,
 *   components?: string }} place
 */
async function addLibraries(program, setDir, place) {
  /** @type {Set<string>} */
  const added = new Set();
  for (;;) {
    const env = { ...process.env, LD_LIBRARY_PATH: libraryDirs(setDir).join(":") };
    const { output } = await run("ldd", [program], { env });
    const absent = [...output.matchAll(/(\S+) => not found/g)].map(([, library = ""]) => library);
    const packages = absent.flatMap((library) => LIBRARY_PACKAGES.get(library) ?? []);
    const fresh = [...new Set(packages)].filter((name) => !added.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) added.add(name);
    await unpackPackages({ ...place, packages: fresh, update: false });
  }
}

/** @param {string} setDir */
function libraryDirs(setDir) {
  return ["root/usr/lib", "root/lib"]
    .map((sub) => join(setDir, sub))
    .filter(existsSync)
    .flatMap((dir) => readdirSync(dir).map((name) => join(dir, name)))
    .filter((dir) => dir.includes("-linux-"));
}

/**
 * @param {string} root
 * @param {string} name
 */
function findFile(root, name) {
  return ["usr/bin", "usr/sbin"].map((dir) => join(root, dir, name)).find(existsSync);
}

/**
 * One line per server for the log.
 *
 * @param {FoundServers} found
 */
export function describeServers({ redis, nats, postgres }) {
  const all = [
    ...(redis === undefined ? [] : [`redis ${redis.version} (${redis.source})`]),
    ...Object.values(nats).map(({ version, source }) => `nats ${version} (${source})`),
    ...(postgres === undefined ? [] : [`postgres ${postgres.version} (${postgres.source})`]),
  ];
  return all.join(", ") || "none";
}
