/**
 * Starting a saga: checked, stored, and driven by this process from then on.
 *
 * The id is the caller's: a start whose answer was lost is asked again with it, and finds the saga
 * that it started.
 */
import {
  callLeaves,
  invalidArgument,
  isQuorateError,
  type Json,
  knownOptions,
  type Parsed,
} from "@quorate/core";
import type { Stored } from "../kernel/contract.ts";
import { checkInstanceId } from "../kernel/instance-id.ts";
import { childId, freshRecord } from "./children.ts";
import type { SagaEngine } from "./engine.ts";
import { mismatchError } from "./errors.ts";
import type { SagaModel } from "./model.ts";
import type { SagaRecord } from "./record.ts";
import type { SagaRun } from "./run.ts";

/** What a start came to. */
export interface Started {
  readonly isNew: boolean;
  /** This process's drive; `undefined`: it was there, and is another's or has ended. */
  readonly run: SagaRun | undefined;
}

/** Starts `model` under `id`. */
export async function startSaga(
  engine: SagaEngine,
  model: SagaModel,
  options: { readonly id: string; readonly input: unknown },
  signal: AbortSignal | undefined,
): Promise<Started> {
  const { desk } = engine;
  engine.lifecycle.assertOpen();
  signal?.throwIfAborted();
  knownOptions("options", options, ["id", "input"]);
  const id = checkInstanceId("id", options.id);
  checkDescendants(model, id);
  const text = inputText(engine, id, options.input);
  const parsing = model.parse(desk.payloads.same(options.input ?? null, text));
  const parsed: Parsed = parsing instanceof Promise ? await parsing : parsing;
  if (!parsed.ok) throw invalidArgument("input", options.input, `one that fits: ${parsed.issues}`);

  const owning = desk.station.ownership();
  const { owner, fence } = owning instanceof Promise ? await owning : owning;
  const input = desk.payloads.inline(text) ?? (await desk.payloads.store(text, id, undefined));
  signal?.throwIfAborted();
  const createdAtMs = desk.backend.runtime.time.wallMs();
  const traceparent = traceOf(engine, model, id);
  const record = freshRecord(model, { input, createdAtMs, owner, fence, traceparent });
  const created = await desk.station.create(id, record);
  if (!created.created) return joined(engine, model, created.found, text);
  const { started } = desk.events;
  if (started.hasSubscribers) started.publish({ saga: model.name, version: model.version, id });
  return { isNew: true, run: engine.begin(created.held, parsed.value) };
}

/** What a tracer wants its record to carry. */
function traceOf({ desk }: SagaEngine, { name, version }: SagaModel, id: string) {
  const { starting } = desk.events;
  if (!starting.hasSubscribers) return undefined;
  return callLeaves(starting, { saga: name, version, id })?.traceparent;
}

function inputText(engine: SagaEngine, id: string, input: unknown): string {
  try {
    return engine.desk.payloads.encode(input, id) ?? "null";
  } catch (error) {
    if (!isQuorateError(error, "RESULT_UNENCODABLE")) throw error;
    throw invalidArgument("input", input, `a JSON value: ${error.details.reason}`);
  }
}

/** The id is taken: by the same request, or by another. */
async function joined(
  engine: SagaEngine,
  model: SagaModel,
  found: Stored<SagaRecord>,
  text: string,
): Promise<Started> {
  const { id, record } = found;
  const { payloads } = engine.desk;
  if (record.saga !== model.name) throw mismatchError(id, `of the saga ${record.saga}`);
  // A start is repeated by newer code too: what was begun by an older version goes on by it.
  const isSameText = record.input.kind === "inline" && record.input.text === text;
  if (!isSameText && !isEqual(await payloads.read(record.input), payloads.decode(text))) {
    throw mismatchError(id, "with another input");
  }
  return { isNew: false, run: engine.driven(id) };
}

/** Children's ids are made of their parent's: they must fit too. */
function checkDescendants(model: SagaModel, id: string): void {
  for (const stage of model.stages) {
    if (stage.kind !== "child") continue;
    const child = checkInstanceId(`id (of the child ${stage.name})`, childId(id, stage.name));
    checkDescendants(stage.saga, child);
  }
}

/** Equal as JSON: the order of keys is none of its business. */
export function isEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object") return false;
  if (left === null || right === null || left === undefined || right === undefined) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(right, key) &&
      isEqual((left as Record<string, Json>)[key], (right as Record<string, Json>)[key]),
  );
}
