/**
 * What npm would publish, packed and installed, once for each state of the sources.
 *
 * Every test that plays the user starts from here: a folder outside the repository, so that
 * nothing resolves to the workspace by accident, with the packages as npm installs them from the
 * tarballs. Build, pack and install take ten seconds; they happen once, under a lock, into
 * `.quorate/packed/`, under a key made of everything that goes in. Each user gets a copy, so no
 * test can spoil another's.
 *
 * Peers are left out: what a user has not installed must not be needed.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { buildAll } from "../../scripts/build.mjs";
import { withLock } from "../../scripts/lock.mjs";
import { packAll } from "../../scripts/pack.mjs";
import { run } from "../../scripts/servers/run.mjs";
import { listFiles, packageFolders, ROOT } from "./repository.ts";

/** For the hook that calls `userFolder`: a build, a pack and an install on a busy machine. */
export const PACKED_TIMEOUT_MS = 300_000;

const HOME = join(ROOT, ".quorate", "packed");

/** What else decides how the tarballs look. */
const INGREDIENTS = [
  ...["LICENSE", "package-lock.json", "tsconfig.base.json", "tsconfig.package.json"],
  ...["tsup.config.ts", "scripts/build.mjs", "scripts/pack.mjs", "scripts/workspace.mjs"],
];

/** A tarball and the package in it. */
export interface Tarball {
  readonly name: string;
  readonly file: string;
}

/** A folder of a user of ours. */
export interface UserFolder {
  /** Absolute, with links resolved. */
  readonly dir: string;
  /** Of all packages, in a folder beside `dir`. */
  readonly tarballs: readonly Tarball[];
  /** Writes a file below `dir` and returns its path. */
  write(name: string, text: string): string;
  /** Removes it all. */
  remove(): void;
}

/**
 * A new folder with a `package.json` and, unless `isEmpty`, all packages in its `node_modules`.
 * The caller removes it.
 */
export async function userFolder({ isEmpty = false } = {}): Promise<UserFolder> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "quorate-user-")));
  const dir = join(home, "user");
  await withLock(`${HOME}.lock`, async () => {
    const from = await obtain();
    cpSync(join(from, "tarballs"), join(home, "tarballs"), { recursive: true });
    mkdirSync(dir);
    if (!isEmpty) cpSync(join(from, "node_modules"), join(dir, "node_modules"), COPY);
  }).catch((error: unknown) => {
    rmSync(home, { recursive: true, force: true });
    throw error;
  });
  const names = namesByTarball();
  const write = (name: string, text: string): string => {
    const file = join(dir, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  write("package.json", JSON.stringify({ name: "user", private: true }));
  return {
    dir,
    tarballs: readdirSync(join(home, "tarballs"))
      .toSorted()
      .map((file) => ({ name: names.get(file) ?? file, file: join(home, "tarballs", file) })),
    write,
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

// Links in `node_modules/.bin` are relative, and must stay so.
const COPY = { recursive: true, verbatimSymlinks: true };

/** The packed and installed state of the sources as they are now. Only under the lock. */
async function obtain(): Promise<string> {
  const place = join(HOME, stateOfSources());
  if (existsSync(place)) return place;
  // Of another state, or left by a run that was killed.
  rmSync(HOME, { recursive: true, force: true });
  mkdirSync(HOME, { recursive: true });
  const work = join(HOME, "work");
  const { code, output } = await buildAll();
  if (code !== 0) throw new Error(`the packages do not build\n${output}`);
  const tarballs = await packAll(join(work, "tarballs"));
  writeFileSync(join(work, "package.json"), JSON.stringify({ name: "user", private: true }));
  const flags = ["--prefer-offline", "--legacy-peer-deps", "--no-audit", "--no-fund"];
  const files = tarballs.map(({ file }) => `./tarballs/${basename(file)}`);
  const installed = await run("npm", ["install", ...flags, ...files], { cwd: work });
  if (!installed.ok) throw new Error(`the tarballs do not install\n${installed.output}`);
  renameSync(work, place);
  return place;
}

function stateOfSources(): string {
  const hash = createHash("sha256").update(process.version);
  const own = packageFolders().flatMap((folder) => listFiles(`packages/${folder}`));
  const shipped = own.filter((path) => !/\.(test|fixture)\.ts$/.test(path));
  for (const path of [...INGREDIENTS, ...shipped]) {
    hash.update(`\0${path}\0`).update(readFileSync(join(ROOT, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

function namesByTarball(): Map<string, string> {
  return new Map(
    packageFolders().map((folder) => {
      const text = readFileSync(join(ROOT, "packages", folder, "package.json"), "utf8");
      const { name, version } = JSON.parse(text) as { name: string; version: string };
      return [`${name.replace("@", "").replace("/", "-")}-${version}.tgz`, name];
    }),
  );
}
