/**
 * An errand: an operator's verb on its way to a process that serves the saga's definition.
 *
 * It crosses the bus, so it is foreign input to whoever reads it: bounded before it is parsed, each
 * field checked, unknown fields ignored. What its values mean is checked where they are used, by
 * the verbs themselves.
 */
import { invalidArgument, type Json, parseJson, QuorateError } from "@quorate/core";
import type { SagaRecord } from "../saga/record.ts";
import type { SagaControl, VerbOptions } from "../saga/sagas.ts";

const FORMAT = 1;
/** Longest errand, with the output that it may carry. */
export const MAX_ERRAND_BYTES = 262_144;
const BOUNDS = { maxBytes: MAX_ERRAND_BYTES, maxDepth: 40 };

/** What is to be done. */
export type Deed =
  | { readonly verb: "retry"; readonly target?: string | undefined }
  | { readonly verb: "skip"; readonly target: string }
  | { readonly verb: "resolve"; readonly target: string; readonly output?: Json | undefined }
  | { readonly verb: "cancel" }
  | {
      readonly verb: "force";
      readonly state: "done" | "compensated";
      readonly result?: Json | undefined;
    };

/** A deed, to which saga, and who wants it. */
export interface Errand {
  readonly id: string;
  readonly deed: Deed;
  readonly by: VerbOptions;
}

/** An errand as it was found. */
export type FoundErrand =
  | { readonly ok: true; readonly errand: Errand }
  | { readonly ok: false; readonly reason: string };

/** Where errands for sagas of this shape are heard. Only those listen who can carry them out. */
export function subjectOf({
  saga,
  version,
  hash,
}: Pick<SagaRecord, "saga" | "version" | "hash">): string {
  return `saga-errands/${saga}/${version}/${hash}`;
}

/** As bytes. @throws TOO_LARGE its output is. */
export function encodeErrand({ id, deed, by }: Errand): Uint8Array {
  const { by: name, why } = by;
  const data = Buffer.from(JSON.stringify({ v: FORMAT, id, ...deed, by: name, why }));
  if (data.byteLength <= MAX_ERRAND_BYTES) return data;
  const details = { option: deed.verb, size: data.byteLength, limit: MAX_ERRAND_BYTES };
  const message = `${deed.verb} takes ${details.size} bytes, at most ${MAX_ERRAND_BYTES} are sent`;
  throw new QuorateError("TOO_LARGE", message, { effect: "none", details });
}

/** Reads what came. */
export function decodeErrand(data: Uint8Array): FoundErrand {
  const parsed = parseJson(data, BOUNDS);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ok: false, reason: "not an object" };
  }
  const fields = value as { readonly [name: string]: Json };
  const { v, id, by, why } = fields;
  if (v !== FORMAT) return { ok: false, reason: "another format" };
  if (typeof id !== "string" || typeof by !== "string" || typeof why !== "string") {
    return { ok: false, reason: "id, by or why is missing" };
  }
  const deed = deedOf(fields);
  if (deed === undefined) return { ok: false, reason: "not a verb, or not all of it" };
  return { ok: true, errand: { id, deed, by: { by, why } } };
}

function deedOf({
  verb,
  target,
  output,
  state,
  result,
}: {
  readonly [name: string]: Json | undefined;
}): Deed | undefined {
  if (verb === "cancel") return { verb };
  if (verb === "force") {
    return state === "done" || state === "compensated" ? { verb, state, result } : undefined;
  }
  if (verb === "retry" && (target === undefined || typeof target === "string")) {
    return { verb, target };
  }
  if (typeof target !== "string") return undefined;
  if (verb === "skip") return { verb, target };
  return verb === "resolve" ? { verb, target, output } : undefined;
}

/** Does it. @throws what the verb throws */
export function runErrand(control: SagaControl, { deed, by }: Errand): Promise<void> {
  switch (deed.verb) {
    case "retry":
      return control.retry(deed.target, by);
    case "skip":
      return control.skip(deed.target, by);
    case "resolve":
      return control.resolve(deed.target, deed.output, by);
    case "cancel":
      return control.cancel(by);
    case "force":
      return control.force(deed.state, {
        ...by,
        ...(deed.result !== undefined && { result: deed.result }),
      });
    default:
      throw invalidArgument("verb", (deed as Deed).verb, "a verb of sagas");
  }
}
