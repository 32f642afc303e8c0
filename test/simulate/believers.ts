/**
 * Who believes that they hold, seen from above: the world can read every process's clock at once,
 * which nobody in it can.
 *
 * One belief is excused. A machine that slept shows it on its wall clock alone; if that clock was
 * set back as well, in the course of one claim, no process could tell (a HAZARD, see
 * docs/guarantees.md). Such a hold is not counted, and `hoodwinked` is marked.
 */
import type { Lock } from "@quorate/lock";
import type { SimProcess, World } from "@quorate/simulator";

/** How much slower than the world both clocks may run before a process counts as hoodwinked. */
const DRIFT = 0.01;

/** What of a lock decides whether its holder believes. */
export type HeldLock = Pick<Lock, "fencingToken" | "weight" | "remainingMs">;

/** A claim from its asking on. */
export interface Belief {
  /** It is in hand now. */
  begin(lock: HeldLock): void;
  /** It is given back, or was never had. */
  over(): void;
}

interface Reading {
  readonly worldMs: number;
  readonly steadyMs: number;
  readonly wallMs: number;
}

interface Hold {
  readonly process: SimProcess;
  readonly lock: HeldLock;
  readonly asked: Reading;
}

/** The holds of one name, and the claims that they never exceed it and that tokens grow. */
export class Believers {
  readonly #sim: World;
  readonly #name: string;
  readonly #capacity: number;
  #holds: Hold[] = [];
  #newest = 0;

  constructor(sim: World, name: string, capacity: number) {
    this.#sim = sim;
    this.#name = name;
    this.#capacity = capacity;
    sim.always(`no more than ${capacity} of ${name} are believed to be held`, () => this.#check());
  }

  /** `process` is about to ask. */
  ask(process: SimProcess): Belief {
    const asked = this.#read(process);
    let hold: Hold | undefined;
    return {
      begin: (lock) => {
        hold = { process, lock, asked };
        this.#holds.push(hold);
        if (this.#capacity === 1) this.#judgeToken(hold);
      },
      over: () => void (this.#holds = this.#holds.filter((one) => one !== hold)),
    };
  }

  /** Granted one at a time, in the order of their tokens; else a grant was believed too late. */
  #judgeToken(hold: Hold): void {
    const { fencingToken } = hold.lock;
    if (fencingToken <= this.#newest && !this.#isHoodwinked(hold)) {
      this.#sim.fail("tokens grow", `${fencingToken} was handed out after ${this.#newest}`);
    }
    this.#newest = Math.max(this.#newest, fencingToken);
  }

  #check(): true | string {
    if (this.#holds.length < 2) return true;
    // What a killed process believed is nobody's belief any more.
    this.#holds = this.#holds.filter(({ process }) => process.isAlive);
    if (weightOf(this.#holds) <= this.#capacity) return true;
    const counted = this.#holds.filter((hold) => !this.#isHoodwinked(hold));
    if (weightOf(counted) <= this.#capacity) return true;
    const who = counted
      .filter(({ lock }) => lock.remainingMs > 0)
      .map(({ process, lock }) => `${process.name} (token ${lock.fencingToken})`);
    return `${this.#name} is believed to be held by ${who.join(" and ")}`;
  }

  #isHoodwinked({ process, asked }: Hold): boolean {
    const now = this.#read(process);
    const leastMs = (now.worldMs - asked.worldMs) * (1 - DRIFT);
    const isSo = now.steadyMs - asked.steadyMs < leastMs && now.wallMs - asked.wallMs < leastMs;
    if (isSo) this.#sim.mark("hoodwinked");
    return isSo;
  }

  #read({ runtime }: SimProcess): Reading {
    const { time } = runtime;
    return { worldMs: this.#sim.nowMs, steadyMs: time.monotonicMs(), wallMs: time.wallMs() };
  }
}

/** What the holds weigh that their holders would act on, were they to act now. */
function weightOf(holds: readonly Hold[]): number {
  let weight = 0;
  for (const { lock } of holds) if (lock.remainingMs > 0) weight += lock.weight;
  return weight;
}
