/**
 * The values that a saga keeps apart from its record, over its life.
 *
 * A value is stored with an end, before the record refers to it: what loses its record in between
 * ends by itself. Once the record refers to it it is kept without one, and given one again before
 * the write that ends the saga. Whoever takes the saga up keeps all of it anew, so an owner that
 * was overtaken on its way to the end takes nothing from its successor.
 *
 * Guarantees: the values of a saga that some process takes up within `SLACK_MS` of a crash are
 * there for as long as it is open; those of an ended one go, whoever ended it. Does not guarantee
 * that at once: at the latest `SLACK_MS` after their record. One leak is left: an operator's
 * process that dies between the write that ends a saga which nobody drives, and the one that lets
 * its values go.
 */
import type { Ms, Revision } from "@quorate/core";
import type { Payloads } from "./payloads.ts";
import type { Payload, SagaRecord } from "./record.ts";

/** How much longer than its record a value that nobody holds is there. */
export const SLACK_MS: Ms = 7 * 24 * 3_600_000;

const NONE: readonly string[] = [];

/** Where the values of `record` are that are not in it. */
export function refsOf(record: SagaRecord): readonly string[] {
  let refs = withRef(NONE, record.input);
  for (const { output } of record.steps.records) refs = withRef(refs, output);
  return withRef(refs, record.result);
}

function withRef(refs: readonly string[], payload: Payload | undefined): readonly string[] {
  return payload?.kind === "apart" ? [...refs, payload.ref] : refs;
}

/** What one drive of a saga keeps. */
export class ApartValues {
  readonly #payloads: Payloads;
  /** With the revision under which this drive kept it: an older owner has another. */
  readonly #kept = new Map<string, Revision>();

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  /** Keeps `refs` until they are let go. */
  async keep(refs: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (const ref of refs) {
      if (this.#kept.has(ref)) continue;
      const revision = await this.#payloads.keep(ref, signal);
      if (revision !== undefined) this.#kept.set(ref, revision);
    }
  }

  /** What was kept ends by itself, unless another owner keeps it by now. May be kept again. */
  async letGo(signal: AbortSignal | undefined): Promise<void> {
    const kept = [...this.#kept];
    this.#kept.clear();
    for (const [ref, revision] of kept) await this.#payloads.letGo(ref, revision, signal);
  }
}
