/**
 * A fleet of worker processes with wrong clocks, and what is done to them at random: they are
 * killed and hired again, stopped and woken, cut off and let back in.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Random } from "@quorate/core";

import type { SingleRig } from "../faults/rigs.ts";
import { MISSION, type Mission, type Noted } from "./protocol.ts";

const PROGRAM = fileURLToPath(new URL("worker.child.ts", import.meta.url));
const FLAGS = ["-C", "@quorate/source", "--import", "tsx"];

/** How long something is wrong with a worker, at most. */
const LONGEST_TROUBLE_MS = 6_000;
/** Between the ends and beginnings of two troubles of one worker. */
const LONGEST_PEACE_MS = 9_000;

/** What was done, how often. */
export interface Troubles {
  kills: number;
  pauses: number;
  cuts: number;
}

/** Workers in their places, each behind a proxy of its own. */
export class Fleet {
  readonly #rig: SingleRig;
  readonly #random: Random;
  readonly #dir: string = mkdtempSync(join(tmpdir(), "quorate-fleet-"));
  readonly #skewsMs: readonly number[];
  readonly #children: (ChildProcess | undefined)[] = [];
  readonly #files: string[] = [];
  readonly troubles: Troubles = { kills: 0, pauses: 0, cuts: 0 };
  #isOver = false;
  #troubling: readonly Promise<void>[] = [];

  /** One worker for each of the rig's proxies and of `skewsMs`. */
  constructor(rig: SingleRig, random: Random, skewsMs: readonly number[]) {
    this.#rig = rig;
    this.#random = random;
    this.#skewsMs = skewsMs;
    // Children that stand still would never see that their parent is gone.
    process.once("exit", this.#killAll);
  }

  /** Starts all; resolves when each of them works. */
  async start(): Promise<void> {
    await Promise.all(this.#skewsMs.map((_, place) => this.#hire(place)));
  }

  /** Troubles each worker at random until the end. */
  trouble(): void {
    this.#troubling = this.#skewsMs.map((_, place) => this.#troubleOne(place));
  }

  /** No more troubles: all are mended, and all work. */
  async mend(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#troubling);
  }

  /** Ends all workers, in order, and answers with all that was noted. */
  async end(): Promise<readonly (readonly Noted[])[]> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child === undefined || !isAlive(child)) return;
        const gone = once(child, "exit");
        child.send("stop");
        await gone;
      }),
    );
    return this.#files.map(readNotes);
  }

  /** Kills what is left and removes what was written. */
  abandon(): void {
    process.off("exit", this.#killAll);
    this.#killAll();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  readonly #killAll = (): void => {
    for (const child of this.#children) child?.kill("SIGKILL");
  };

  async #hire(place: number): Promise<void> {
    const name = `w${place}-${this.#files.length}`;
    const file = join(this.#dir, name);
    this.#files.push(file);
    const mission: Mission = {
      name,
      route: this.#rig.route(place),
      namespace: this.#rig.namespace,
      skewMs: this.#skewsMs[place] ?? 0,
      seed: Math.floor(this.#random.next() * 2 ** 31),
      file,
    };
    const child = fork(PROGRAM, {
      execArgv: FLAGS,
      env: { ...process.env, [MISSION]: JSON.stringify(mission) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children[place] = child;
    const died = once(child, "exit").then(() => Promise.reject(new Error(`${name} died early`)));
    died.catch(() => {});
    await Promise.race([once(child, "message"), died]);
  }

  async #troubleOne(place: number): Promise<void> {
    for (;;) {
      await this.#upTo(LONGEST_PEACE_MS);
      if (this.#isOver) return;
      const which = Math.floor(this.#random.next() * 3);
      if (which === 0) await this.#kill(place);
      else if (which === 1) await this.#pause(place);
      else await this.#cut(place);
    }
  }

  async #kill(place: number): Promise<void> {
    this.troubles.kills += 1;
    const child = this.#children[place];
    if (child !== undefined && isAlive(child)) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await this.#upTo(LONGEST_TROUBLE_MS);
    await this.#hire(place);
  }

  async #pause(place: number): Promise<void> {
    this.troubles.pauses += 1;
    this.#children[place]?.kill("SIGSTOP");
    await this.#upTo(LONGEST_TROUBLE_MS);
    this.#children[place]?.kill("SIGCONT");
  }

  async #cut(place: number): Promise<void> {
    this.troubles.cuts += 1;
    const proxy = this.#rig.proxies[place];
    proxy?.refuse(true);
    proxy?.cutAll();
    await this.#upTo(LONGEST_TROUBLE_MS);
    proxy?.refuse(false);
  }

  /** Waits; no longer than a moment once troubles are over. */
  async #upTo(ms: number): Promise<void> {
    const endMs = performance.now() + this.#random.next() * ms;
    while (!this.#isOver && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function readNotes(file: string): readonly Noted[] {
  const lines = readFileSync(file, "utf8").split("\n");
  // A killed writer may have left half a line at the end.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Noted);
}
