/**
 * Records as text that a person can read.
 *
 *     {"v":1,"saga":"place-order","version":3,"state":"running",…,"steps":{"reserve":{"o":"done"…
 *     {"orderId":"42"}
 *     {"reservationId":"r-9"}
 *
 * One line of JSON, the head; after it one line per value, as the payload codec made it: the input,
 * the outputs in the order of the head's steps, the result. Apart, so that values are neither
 * escaped nor parsed with every write, and a head can be judged without them.
 *
 * Records are foreign input: the head is parsed within bounds and every field is checked; what does
 * not fit is refused and left as it is.
 */
import { parseJson, traceContext } from "@quorate/core";
import type { RecordCodec } from "../kernel/contract.ts";
import type {
  AuditEntry,
  Decision,
  Payload,
  SagaRecord,
  StepRecord,
  StuckRecord,
  UndoRecord,
} from "./record.ts";
import { Fields, type Reader } from "./fields.ts";
import { Steps } from "./steps.ts";

const VERSION = 1;
const HEAD_BOUNDS = { maxBytes: 262_144, maxDepth: 6, maxNodes: 20_000 };
/** What JSON would escape, and what it need not but might. */
const QUOTABLE = /[^ !#-[\]-~]/;
const quote = JSON.stringify;

/** Text and back. */
export const SAGA_CODEC: RecordCodec<SagaRecord> = { encode: encodeRecord, decode: decodeRecord };

/** The text of `record`. Written by hand: this is on the path of every write. */
export function encodeRecord(record: SagaRecord): string {
  const { deadlineAtMs, endedAtMs, parent, traceparent, steps } = record;
  let head =
    `${definitionText(record)},"state":"${record.state}","owner":"${record.owner}"` +
    `,"fence":${record.fence},"takeovers":${record.takeovers},"createdAtMs":${record.createdAtMs}`;
  if (endedAtMs !== undefined) head += `,"endedAtMs":${endedAtMs}`;
  if (deadlineAtMs !== undefined) head += `,"deadlineAtMs":${deadlineAtMs}`;
  if (parent !== undefined) head += `,"parent":${quote(parent)}`;
  if (traceparent !== undefined) head += `,"traceparent":${quote(traceparent)}`;
  if (record.isSealed === true) head += `,"sealed":true`;
  if (record.isSealing === true) head += `,"sealing":true`;
  head += payloadText("input", record.input);
  let lines = lineOf(record.input);
  for (let place = 0; place < steps.size; place += 1) {
    const step = steps.records[place] as StepRecord;
    head += place === 0 ? ',"steps":{' : ",";
    head += `${quoted(steps.names[place] as string)}:${stepText(step)}`;
    lines += lineOf(step.output);
  }
  if (steps.size > 0) head += "}";
  if (record.stuck.size > 0) head += `,"stuck":${quote(Object.fromEntries(record.stuck))}`;
  if (record.decision !== undefined) head += `,"decision":${quote(record.decision)}`;
  head += payloadText("result", record.result);
  if (record.audit.length > 0) head += `,"audit":${quote(record.audit)}`;
  return `${head}}${lines}${lineOf(record.result)}`;
}

/** What all records of a definition begin with: of the one that was asked for last it is known. */
function definitionText({ saga, version, hash }: SagaRecord): string {
  if (latest.saga === saga && latest.version === version && latest.hash === hash) {
    return latest.text;
  }
  const name = `{"v":${VERSION},"saga":${quoted(saga)}`;
  const text = `${name},"version":${version},"hash":${quoted(hash)}`;
  latest = { saga, version, hash, text };
  return text;
}

let latest = { saga: "", version: 0, hash: "", text: "" };

function stepText(step: StepRecord): string {
  let text = `{"n":${step.attempts}`;
  if (step.outcome !== undefined) text += `,"o":"${step.outcome}"`;
  if (step.atMs !== undefined) text += `,"atMs":${step.atMs}`;
  if (step.hasBegun === true) text += `,"begun":true`;
  if (step.isInDoubt === true) text += `,"doubt":true`;
  if (step.notBeforeMs !== undefined) text += `,"notBeforeMs":${step.notBeforeMs}`;
  if (step.error !== undefined) text += `,"error":${quote(step.error)}`;
  if (step.undo !== undefined) text += `,"undo":${quote(step.undo)}`;
  return `${text}${payloadText("out", step.output)}}`;
}

/** In the head: that there is a line, or where the value is. */
function payloadText(name: string, value: Payload | undefined): string {
  if (value === undefined) return "";
  return value.kind === "inline" ? `,"${name}":1` : `,"${name}":${quote(value.ref)}`;
}

/** Behind the head. */
function lineOf(value: Payload | undefined): string {
  return value?.kind === "inline" ? `\n${value.text}` : "";
}

/** Names are mostly plain: a look at them costs less than a call of JSON. */
function quoted(name: string): string {
  return QUOTABLE.test(name) ? quote(name) : `"${name}"`;
}

/** Reads what is stored. Never throws: a bad record is a result. */
export function decodeRecord(text: string): ReturnType<RecordCodec<SagaRecord>["decode"]> {
  const end = text.indexOf("\n");
  const head = parseJson(end === -1 ? text : text.slice(0, end), HEAD_BOUNDS);
  if (!head.ok) return { ok: false, reason: `its head is ${head.reason}` };
  const lines = end === -1 ? [] : text.slice(end + 1).split("\n");
  try {
    return { ok: true, record: readHead(new Fields("the head", head.value), lines) };
  } catch (error) {
    return { ok: false, reason: error instanceof RangeError ? error.message : "not a record" };
  }
}

function readHead(head: Fields, lines: string[]): SagaRecord {
  if (head.count("v") !== VERSION) throw new RangeError("it is of another format");
  let line = 0;
  const payload = (fields: Fields, name: string): Payload | undefined => {
    const value = fields.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === "string") return { kind: "apart", ref: value };
    const text = lines[line];
    line += 1;
    if (value !== 1 || text === undefined) throw new RangeError(`${name} has no value`);
    return { kind: "inline", text };
  };
  const input = payload(head, "input");
  if (input === undefined) throw new RangeError("input has no value");
  const steps = Steps.of(head.map("steps", (fields) => readStep(fields, payload)));
  const result = payload(head, "result");
  if (line !== lines.length) throw new RangeError("it has values that belong to nothing");
  return {
    saga: head.text("saga"),
    version: head.count("version"),
    hash: head.text("hash"),
    state: head.oneOf("state", ["running", "compensating", "done", "compensated"] as const),
    owner: head.text("owner"),
    fence: head.count("fence"),
    takeovers: head.count("takeovers"),
    input,
    createdAtMs: head.number("createdAtMs"),
    endedAtMs: head.optional("endedAtMs", "number"),
    deadlineAtMs: head.optional("deadlineAtMs", "number"),
    parent: head.optional("parent", "text"),
    // One that is none must not keep a saga from its end: it is only a reference.
    traceparent: traceContext(head.raw("traceparent"))?.traceparent,
    isSealed: head.flag("sealed"),
    isSealing: head.flag("sealing"),
    steps,
    stuck: head.map("stuck", readStuck),
    decision: head.part("decision", readDecision),
    result,
    audit: head.items("audit", readAudit),
  };
}

function readStep(
  fields: Fields,
  payload: (fields: Fields, name: string) => Payload | undefined,
): StepRecord {
  return {
    attempts: fields.count("n"),
    outcome: fields.optionalOneOf("o", ["done", "refused", "unknown", "skipped"] as const),
    atMs: fields.optional("atMs", "number"),
    hasBegun: fields.flag("begun"),
    isInDoubt: fields.flag("doubt"),
    notBeforeMs: fields.optional("notBeforeMs", "number"),
    error: fields.optional("error", "text"),
    undo: fields.part("undo", readUndo),
    output: payload(fields, "out"),
  };
}

const readUndo: Reader<UndoRecord> = (fields) =>
  defined<UndoRecord>({
    isDone: fields.flag("isDone") === true,
    attempts: fields.count("attempts"),
    notBeforeMs: fields.optional("notBeforeMs", "number"),
    error: fields.optional("error", "text"),
    atMs: fields.optional("atMs", "number"),
  });

const readStuck: Reader<StuckRecord> = (fields) => ({
  reason: fields.text("reason"),
  isParked: fields.flag("isParked") === true,
  atMs: fields.number("atMs"),
});

const CAUSES = ["refused", "exhausted", "deadline", "cancelled", "parent"] as const;
const readDecision: Reader<Decision> = (fields) => ({
  cause: fields.oneOf("cause", CAUSES),
  step: fields.text("step"),
  reason: fields.text("reason"),
  atMs: fields.number("atMs"),
});

const readAudit: Reader<AuditEntry> = (fields) => ({
  verb: fields.text("verb"),
  target: fields.text("target"),
  by: fields.text("by"),
  why: fields.text("why"),
  atMs: fields.number("atMs"),
});

/** Without the fields that are not there. */
function defined<T>(fields: { [K in keyof T]: T[K] | undefined }): T {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) delete (fields as Record<string, unknown>)[name];
  }
  return fields as T;
}
