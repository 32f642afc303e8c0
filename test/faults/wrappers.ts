/**
 * Servers on a disk that is small, and on a clock that can be set: what needs more than a signal.
 *
 * The disk is a tmpfs in a mount namespace that a sleeping process holds open. It outlives a server
 * that is restarted, it is gone with its holder, also when the run is killed, and nobody else sees
 * it; we reach it through `/proc`. The clock is a library of ours, compiled on the spot. Where a
 * machine cannot do the one or the other, `cannot…` says why, and the test's name carries it.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { makeDir, startGuarded } from "../../scripts/servers/child.mjs";
import type { ServerProcess, Wrapper } from "../../scripts/servers/types.ts";

const SHIM = fileURLToPath(new URL("skew.c", import.meta.url));
const MOUNT = [
  'mkdir -p "$1" && { mountpoint -q "$1" || mount -t tmpfs -o "size=$2" quorate "$1"; }',
  'shift 2 && exec "$@"',
].join(" && ");

/** Why a disk of its own cannot be had here; empty where it can. */
export function cannotMount(): string {
  if (process.platform !== "linux") return "needs Linux";
  const tried = spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs quorate /mnt"]);
  return tried.status === 0 ? "" : "needs root, to mount a small disk";
}

/** Why a clock of its own cannot be had here; empty where it can. */
export function cannotSkew(): string {
  if (process.platform !== "linux") return "needs Linux";
  return spawnSync("cc", ["--version"]).status === 0 ? "" : "needs a C compiler";
}

/** A disk of its own for one server. */
export interface SmallDisk {
  readonly wrapper: Wrapper;
  /** Fills what is left to the last byte; the result makes room again. */
  fill(server: ServerProcess): () => void;
  remove(): Promise<void>;
}

/** A disk of `sizeMb` for what a server keeps in `folder` of its directory. */
export async function smallDisk(sizeMb: number, folder: string): Promise<SmallDisk> {
  const holder = await startGuarded({
    dir: makeDir("disk"),
    command: ["unshare", "-m", "sleep", "infinity"],
    libraryDirs: [],
  });
  return {
    wrapper: ({ dir }) => [
      ...["nsenter", "-m", "-t", String(holder.pid), "sh", "-c", MOUNT, "mount"],
      ...[join(dir, folder), `${sizeMb}m`],
    ],
    fill: (server) => fill(join(`/proc/${holder.pid}/root`, server.dir, folder, "filler")),
    remove: () => holder.end(),
  };
}

function fill(file: string): () => void {
  const descriptor = openSync(file, "w");
  const block = Buffer.alloc(64 * 1024);
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(descriptor);
  }
  return () => rmSync(file, { force: true });
}

/** A wall clock that a test can set. */
export interface SkewedClock {
  readonly wrapper: Wrapper;
  /** The server's wall clock from now on: the machine's, plus this. */
  set(offsetMs: number): void;
  remove(): void;
}

/** Compiles the shim, and gives a clock to one server. */
export function skewedClock(): SkewedClock {
  const dir = mkdtempSync(join(tmpdir(), "quorate-skew-"));
  const library = join(dir, "skew.so");
  const file = join(dir, "offset");
  execFileSync("cc", ["-O2", "-shared", "-fPIC", "-o", library, SHIM]);
  const set = (offsetMs: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(Math.round(offsetMs * 1_000)));
    // In place: the server has mapped this very file.
    writeFileSync(file, bytes, { flag: "r+" });
  };
  writeFileSync(file, Buffer.alloc(8));
  return {
    wrapper: () => ["env", `LD_PRELOAD=${library}`, `QUORATE_SKEW_FILE=${file}`],
    set,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
