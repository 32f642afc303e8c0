/**
 * A test framework of the smallest kind: it keeps the cases that the suite declares, and runs them
 * one after another.
 *
 * Guarantees: every case settles within its bound, and the harness is closed at the end, however
 * it ends. Does not guarantee that a case which was given up has stopped: its process ends soon.
 */
import type { TestApi } from "@quorate/conformance";
import { type Ms, type Runtime, withDeadline } from "@quorate/core";

/** A case that was declared. */
interface Declared {
  readonly area: string;
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** What became of one. */
export interface CaseOutcome {
  readonly area: string;
  readonly name: string;
  /** The seed is in it. Absent: it holds, or was gated off. */
  readonly failure: string | undefined;
  readonly tookMs: Ms;
}

/** How cases are run. */
export interface RunOptions {
  readonly runtime: Runtime;
  readonly caseTimeoutMs: Ms;
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: CaseOutcome) => void;
}

const CLOSE_MS = 5_000;

/** Keeps what the suite declares. */
export class CaseRunner {
  readonly #declared: Declared[] = [];
  readonly #endings: (() => Promise<void>)[] = [];
  #area = "";

  /** For the suite. */
  readonly test: TestApi = {
    describe: (name, body) => {
      this.#area = name;
      body();
      this.#area = "";
    },
    it: (name, body) => this.#declared.push({ area: this.#area, name, body }),
    afterAll: (body) => this.#endings.push(body),
  };

  /** How many there are. */
  get size(): number {
    return this.#declared.length;
  }

  /** Runs them; ends early when the signal aborts. Never rejects. */
  async run(options: RunOptions): Promise<void> {
    for (const declared of this.#declared) {
      if (options.signal.aborted) break;
      const outcome = await this.#runOne(declared, options);
      if (outcome !== undefined) options.onOutcome(outcome);
    }
    for (const ending of this.#endings) {
      const onTimeout = (): Error => new Error("the harness did not close");
      await withDeadline(options.runtime, ending(), { timeoutMs: CLOSE_MS, onTimeout }).catch(
        () => {},
      );
    }
  }

  /** `undefined`: it was given up. */
  async #runOne(
    { area, body, name }: Declared,
    { caseTimeoutMs, runtime, signal }: RunOptions,
  ): Promise<CaseOutcome | undefined> {
    const startedMs = runtime.time.monotonicMs();
    const onTimeout = (): Error => new Error(`it did not end in ${caseTimeoutMs} ms`);
    let failure: string | undefined;
    try {
      await withDeadline(runtime, body(), { timeoutMs: caseTimeoutMs, signal, onTimeout });
    } catch (error) {
      if (signal.aborted) return undefined;
      failure = error instanceof Error ? error.message : String(error);
    }
    return { area, name, failure, tookMs: runtime.time.monotonicMs() - startedMs };
  }
}
