/**
 * Histories as text: one JSON object a line, so that any language can write one and `grep` can
 * read it.
 *
 * Foreign input: bounded in lines and in bytes a line before it is looked at, never trusted in
 * shape. Empty lines are left out, and still count for the number in an error.
 */
import { invalidArgument, knownOptions, parseJson, positiveInteger } from "@quorate/core";
import { checkEvent, type HistoryEvent } from "./event.ts";
import { type History, Pairing } from "./history.ts";

/** Bounds of `parseHistory`. */
export interface ParseHistoryOptions {
  /** Events in all. @default 2000000 */
  readonly maxEvents?: number;
  /** Bytes of one line. @default 65536 */
  readonly maxLineBytes?: number;
}

/**
 * Reads a history of format v1.
 *
 * @throws INVALID_ARGUMENT naming the line (from 1) and what is wrong with it.
 *
 * @example
 * const history = parseHistory(`
 * {"t":0,"p":"a","op":0,"type":"invoke","f":"read"}
 * {"t":1,"p":"a","op":0,"type":"ok","f":"read","v":null}
 * `);
 * console.log(history.operations[0]?.result);
 */
export function parseHistory(text: string, options: ParseHistoryOptions = {}): History {
  knownOptions("options", options, ["maxEvents", "maxLineBytes"]);
  if (typeof text !== "string") throw invalidArgument("text", text, "a string of JSON lines");
  const maxEvents = positiveInteger("maxEvents", options.maxEvents ?? 2_000_000);
  const maxBytes = positiveInteger("maxLineBytes", options.maxLineBytes ?? 65_536);
  const pairing = new Pairing();
  const events: HistoryEvent[] = [];
  let number = 0;
  for (let start = 0; start < text.length; number++) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(start, end).trim();
    start = end + 1;
    if (line === "") continue;
    const place = `history line ${number + 1}`;
    if (events.length === maxEvents) {
      throw invalidArgument(place, "one event more", `within maxEvents, ${maxEvents}`);
    }
    const parsed = parseJson(line, { maxBytes });
    if (!parsed.ok) throw invalidArgument(place, line, `JSON within bounds (${parsed.reason})`);
    const event = checkEvent(place, parsed.value);
    pairing.add(event, events.length, place);
    events.push(event);
  }
  return pairing.finish(events);
}

/** The text of `history` in format v1: what `parseHistory` reads. */
export function formatHistory(history: History): string {
  return history.events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
