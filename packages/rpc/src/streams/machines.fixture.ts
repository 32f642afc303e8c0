/**
 * A sender and a receiver without wires, for tests of the two machines.
 */
import type { Json } from "@quorate/core";
import type { Credit } from "./credit.ts";
import { type Frame, StreamReceiver, type Taken } from "./receiver.ts";
import { type Batch, StreamSender } from "./sender.ts";

export const KEEP_ALIVE_MS = 1_000;

/** A frame as it stands on the wire of these tests. */
interface Wire {
  readonly first: number;
  readonly items: Json[];
  readonly end: Batch<string>["end"] | null;
}

export function newSender(
  credit: Credit,
  options: { frameBytes?: number; stallMs?: number } = {},
): StreamSender<string> {
  return new StreamSender<string>({
    credit,
    keepAliveMs: KEEP_ALIVE_MS,
    stallMs: options.stallMs ?? 60_000,
    frameBytes: options.frameBytes ?? 64,
    encode: ({ first, items, end }) =>
      Buffer.from(
        JSON.stringify({
          first,
          items: items.map((text) => JSON.parse(text) as Json),
          end: end ?? null,
        } satisfies Wire),
      ),
    nowMs: 0,
  });
}

export function newReceiver(
  window: Credit,
  options: { idleMs?: number; slackBytes?: number } = {},
): StreamReceiver<string> {
  return new StreamReceiver<string>({
    window,
    keepAliveMs: KEEP_ALIVE_MS,
    idleMs: options.idleMs ?? Infinity,
    slackBytes: options.slackBytes ?? 1_000,
    nowMs: 0,
  });
}

/** What `data` says. */
export function frameOf(data: Uint8Array): Frame<string> {
  const { first, items, end } = JSON.parse(Buffer.from(data).toString()) as Wire;
  return { first, items, end: end ?? undefined, bytes: data.byteLength };
}

/** A frame made by hand. */
export function frame(first: number, items: Json[], end?: Frame<string>["end"]): Frame<string> {
  return { first, items, end, bytes: 50 };
}

/** All frames that are due. */
export function frames(sender: StreamSender<string>, nowMs: number): Frame<string>[] {
  const due: Frame<string>[] = [];
  for (let data = sender.take(nowMs); data !== undefined; data = sender.take(nowMs)) {
    due.push(frameOf(data));
  }
  return due;
}

/** Everything that the consumer is given now. */
export function drain(receiver: StreamReceiver<string>, nowMs: number): Taken<string>[] {
  const taken: Taken<string>[] = [];
  for (let next = receiver.take(nowMs); next !== undefined; next = receiver.take(nowMs)) {
    taken.push(next);
    if (next.kind === "ended") break;
  }
  return taken;
}
