/**
 * A process that can be paused, in scripted time: what SIGSTOP does. Clocks go on; timers that come
 * due wait for the end of the pause.
 */
import type { Runtime, Timer } from "@quorate/core";
import { ScriptedRuntime, seededRandom } from "@quorate/core/testing";

/** The world's time, with timers that stand still while the process does. */
export class PausableRuntime implements Runtime {
  readonly time: Runtime["time"];
  readonly random: Runtime["random"];
  readonly ids: Runtime["ids"];
  readonly events: Runtime["events"];
  #due: (() => void)[] | undefined;

  constructor(world: ScriptedRuntime, seed: number) {
    const { monotonicMs, wallMs, setTimer } = world.time;
    this.time = {
      monotonicMs,
      wallMs,
      setTimer: (delayMs, callback): Timer => {
        let cancelled = false;
        const fire = (): void => {
          if (cancelled) return;
          if (this.#due === undefined) callback();
          else this.#due.push(fire);
        };
        const timer = setTimer(delayMs, fire);
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
    this.random = seededRandom(seed);
    this.ids = new ScriptedRuntime({ seed: 1_000 + seed }).ids;
    this.events = world.events;
  }

  get isPaused(): boolean {
    return this.#due !== undefined;
  }

  pause(): void {
    this.#due ??= [];
  }

  resume(): void {
    const due = this.#due ?? [];
    this.#due = undefined;
    for (const fire of due) fire();
  }
}
