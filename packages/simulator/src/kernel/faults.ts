/**
 * Faults: what may befall a world, who offers which, and the plan of a run.
 *
 * Every part of a world offers the faults that it can suffer; a plan says which of them happen,
 * when, to whom and how badly. Plans are plain data: a run is its seed and its plan, so a failing
 * run can be tried again with fewer faults until none can be spared.
 */
import { invalidArgument } from "@quorate/core";
import type { Scheduler } from "./scheduler.ts";
import type { Stream } from "./seed.ts";

/** How badly: the drawn values of one fault. */
export type FaultValues = Readonly<Record<string, number | string | boolean | readonly string[]>>;

/** One thing that goes wrong. Plain data: it survives JSON. */
export interface Fault {
  /** World time since the start. */
  readonly atMs: number;
  /** What: `pause`, `partition`, `store-kill`. */
  readonly kind: string;
  /** To whom: the name of a process, a store, or `network`. */
  readonly target: string;
  /** How long until it ends by itself; without: it is over at once, or lasts until healing. */
  readonly forMs?: number;
  /** What else was drawn for it. */
  readonly values?: FaultValues;
}

/** What goes wrong in one run, in order of time. */
export type FaultPlan = readonly Fault[];

/** A fault that some part of a world can suffer. */
export interface FaultOffer {
  readonly kind: string;
  readonly target: string;
  /** Draws how long and how badly, for one occurrence. */
  draw(chance: Stream): { readonly forMs?: number; readonly values?: FaultValues };
  /** Lets it happen. Returns how it ends, if it lasts. */
  begin(fault: Fault): (() => void) | void;
}

/** The faults of one run. */
export class Faults {
  readonly #scheduler: Scheduler;
  readonly #offers = new Map<string, FaultOffer>();
  readonly #open = new Set<() => void>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** All that can go wrong in this world. */
  get offers(): readonly FaultOffer[] {
    return [...this.#offers.values()];
  }

  /** Makes a fault possible. */
  offer(offer: FaultOffer): void {
    this.#offers.set(idOf(offer), offer);
  }

  /** Schedules every fault of a plan. */
  schedule(plan: FaultPlan): void {
    for (const fault of plan) {
      if (!this.#offers.has(idOf(fault))) {
        throw invalidArgument("plan", `${fault.kind} of ${fault.target}`, "faults of this world");
      }
      const begin = (): void => this.begin(fault);
      this.#scheduler.scheduleAt(fault.atMs * 1_000, undefined, "fault", begin);
    }
  }

  /** Lets a fault happen now. */
  begin(fault: Fault): void {
    const offer = this.#offers.get(idOf(fault));
    if (offer === undefined) {
      throw invalidArgument("fault", `${fault.kind} of ${fault.target}`, "one of this world");
    }
    const { witness, nowUs } = this.#scheduler;
    witness.count(`fault.${fault.kind}`);
    witness.hash.text(fault.kind);
    witness.line(nowUs, fault.target, "fault", describeFault(fault));
    const end = offer.begin(fault);
    if (end === undefined) return;
    const once = (): void => {
      if (!this.#open.delete(once)) return;
      witness.line(this.#scheduler.nowUs, fault.target, "fault", `${fault.kind} ends`);
      end();
    };
    this.#open.add(once);
    if (fault.forMs === undefined) return;
    this.#scheduler.schedule(fault.forMs * 1_000, undefined, "heal", once);
  }

  /** Ends every fault that lasts. */
  heal(): void {
    for (const end of [...this.#open]) end();
  }
}

/** A fault on one line, without its time. */
export function describeFault({ kind, target, forMs, values }: Fault): string {
  const lasting = forMs === undefined ? "" : ` for ${Math.round(forMs)} ms`;
  const drawn = Object.entries(values ?? {}).map(([name, value]) => `${name} ${shown(value)}`);
  return `${kind} of ${target}${lasting}${drawn.length === 0 ? "" : ` (${drawn.join(", ")})`}`;
}

function shown(value: FaultValues[string]): string {
  if (typeof value === "number") return String(Math.round(value * 1_000) / 1_000);
  return Array.isArray(value) ? value.join("+") : String(value);
}

function idOf({ kind, target }: Pick<Fault, "kind" | "target">): string {
  return `${kind} of ${target}`;
}
