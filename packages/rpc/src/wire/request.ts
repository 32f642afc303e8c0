/**
 * A request on the wire: what is asked, by whom, and what is left of its time.
 *
 * Time travels as what is left of the call (`r`), beside the sender's own clock (`s`): the server
 * learns that clock's offset from what arrives (`clock-offset.ts`), so that time spent in a broker
 * counts, and clocks that differ do not.
 */
import type { Json, Ms } from "@quorate/core";
import { readTrace, type TraceContext, writeTrace } from "../trace.ts";
import { readWindow, type StreamWindow, writeWindow } from "./window.ts";
import { type Fields, isCount, isDuration, isText, WIRE_VERSION } from "./text.ts";

/** Most characters of an id that a client has. */
export const MAX_CLIENT_CHARACTERS = 64;
/** Most characters of a key; whoever keeps keys bounds them in bytes. */
const MAX_KEY_CHARACTERS = 1_024;
const MAX_METHOD_CHARACTERS = 64;
const MAX_NAME_CHARACTERS = 512;
const MAX_TRIES = 1_000;
const MAX_PRIORITY = 1_000;

/** What the sender's process is, as far as servers need it. */
export interface Sender {
  /** This life of the client: a random name, so that it and a call's number are unique. */
  readonly client: string;
  /** Under which it holds a lease, where that is not `client`. */
  readonly name?: string | undefined;
  /** The fencing token of that lease, once it is known. */
  readonly epoch?: number | undefined;
}

/** A request. */
export interface WireRequest extends Sender {
  /** The client's own count. */
  readonly id: number;
  readonly method: string;
  /** What is left of the call's time, when it was sent. */
  readonly remainingMs: Ms;
  /** The sender's monotonic clock, when it was sent. */
  readonly sentMs: Ms;
  /** Another number: forget what is known of that clock. */
  readonly era: number;
  readonly key?: string | undefined;
  /** How often the call may be made again, by all layers together; `undefined`: not counted. */
  readonly triesLeft?: number | undefined;
  readonly priority: number;
  readonly trace?: TraceContext | undefined;
  /** There if the caller wants a stream: how much it will receive, and for how long. */
  readonly window?: StreamWindow | undefined;
  readonly input: unknown;
}

/** The request as bytes. Throws where its input is no JSON. */
export function encodeRequest(request: WireRequest): Uint8Array {
  const { client, epoch, era, id, key, method, name, priority, trace, triesLeft, window } = request;
  // As text, bit by bit: an object of fifteen fields for `stringify` costs three times as much.
  // Methods and clients are plain words, and need no escape.
  const first = `{"v":${WIRE_VERSION},"id":${id},"m":"${method}","c":"${client}"`;
  let text = `${first},"r":${tenths(request.remainingMs)},"s":${tenths(request.sentMs)}`;
  if (name !== undefined) text += `,"n":${JSON.stringify(name)}`;
  if (epoch !== undefined) text += `,"e":${epoch}`;
  if (era !== 0) text += `,"g":${era}`;
  if (key !== undefined) text += `,"k":${JSON.stringify(key)}`;
  if (triesLeft !== undefined) text += `,"t":${triesLeft}`;
  if (priority !== 0) text += `,"p":${priority}`;
  const traced = writeTrace(trace);
  if (traced !== undefined) text += `,"x":${JSON.stringify(traced)}`;
  if (window !== undefined) text += `,"w":${JSON.stringify(writeWindow(window))}`;
  const input = JSON.stringify(request.input) as string | undefined;
  if (input !== undefined) text += `,"i":${input}`;
  return Buffer.from(`${text}}`, "utf8");
}

/** Whole tenths of a millisecond: all digits of a clock would be a third of the message. */
function tenths(ms: Ms): number {
  return Math.round(ms * 10) / 10;
}

/** Reads a request; `undefined` for what is none. Unknown fields are ignored. */
export function readRequest(fields: Fields): WireRequest | undefined {
  const { id, m, c, r, s } = fields;
  if (!isCount(id) || id === 0 || !isText(m, MAX_METHOD_CHARACTERS)) return undefined;
  if (!isText(c, MAX_CLIENT_CHARACTERS) || !isDuration(r) || !isDuration(s)) return undefined;
  const { k, n, w, e, g, t, p, x, i } = fields;
  if (k !== undefined && !isText(k, MAX_KEY_CHARACTERS)) return undefined;
  if (n !== undefined && !isText(n, MAX_NAME_CHARACTERS)) return undefined;
  const window = w === undefined ? undefined : readWindow(w);
  if ((w !== undefined && window === undefined) || !isOptionalCount(e)) return undefined;
  return {
    id,
    method: m,
    client: c,
    name: n,
    epoch: e,
    remainingMs: r,
    sentMs: s,
    era: isCount(g) ? g : 0,
    key: k,
    triesLeft: isCount(t) && t <= MAX_TRIES ? t : undefined,
    priority: priorityOf(p),
    trace: x === undefined ? undefined : readTrace(x),
    window,
    input: i,
  };
}

function isOptionalCount(value: Json | undefined): value is number | undefined {
  return value === undefined || isCount(value);
}

function priorityOf(value: Json | undefined): number {
  if (typeof value !== "number") return 0;
  return Math.max(-MAX_PRIORITY, Math.min(MAX_PRIORITY, value));
}
