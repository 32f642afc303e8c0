/**
 * The body of a `Response`, held back while it is short and quick, streamed when it is not.
 *
 * A `Response` does not say whether its body is a string that is there or a stream that will come.
 * So it is read: what ends within 10 ms is whole, and can be stored before its first byte is sent.
 * What takes longer, or is longer, flows to the client as it comes, and is remembered on the way;
 * its end waits for the store.
 *
 * A client that leaves does not end the reading: as long as the answer can still be kept, the rest
 * of the body is read without it.
 *
 * Guarantees: at most `maxBytes` are remembered, and one chunk more is read ahead.
 */
import { deferred, type Ms, type Runtime } from "@quorate/core";
import { BodyCapture } from "../body-capture.ts";

/** Bodies that end within this time of their beginning are stored before they are sent. */
const HOLD_MS: Ms = 10;

type Chunk = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** How a flowing body came to its end. */
export type BodyEnd =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  | { readonly kind: "too-large" }
  /** Its source failed: the client gets the same error. */
  | { readonly kind: "failed"; readonly error: unknown };

/** What became of a body while it was held. */
export type Held =
  | BodyEnd
  /** It flows: `stream` is for the client, and asks `onEnd` before it closes. */
  | {
      readonly kind: "flowing";
      readonly tooLarge: boolean;
      stream(onEnd: OnEnd): ReadableStream<Uint8Array>;
    };

/** Called once; resolves to an error to break the stream with instead of closing it. */
export type OnEnd = (end: BodyEnd) => Promise<Error | undefined>;

/** Reads `body` until it ends, is too long, or takes too long. */
export async function holdBody(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  runtime: Pick<Runtime, "time">,
): Promise<Held> {
  const reader = body.getReader();
  const capture = new BodyCapture(maxBytes);
  const late = deferred<"late">();
  const timer = runtime.time.setTimer(HOLD_MS, () => late.resolve("late"));
  const held: Uint8Array[] = [];
  try {
    for (;;) {
      const reading = reader.read();
      const chunk = await Promise.race([reading, late.promise]);
      if (chunk === "late") return flowing(capture, new Flow(reader, capture, held, reading));
      if (chunk.done) return endOf(capture);
      capture.push(chunk.value);
      held.push(chunk.value);
      if (capture.overflowed) return flowing(capture, new Flow(reader, capture, held));
    }
  } catch (error) {
    return { kind: "failed", error };
  } finally {
    timer.cancel();
  }
}

function flowing({ overflowed }: BodyCapture, flow: Flow): Held {
  return { kind: "flowing", tooLarge: overflowed, stream: (onEnd) => flow.stream(onEnd) };
}

function endOf(capture: BodyCapture): BodyEnd {
  const bytes = capture.bytes();
  return bytes === undefined ? { kind: "too-large" } : { kind: "whole", bytes };
}

class Flow {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #capture: BodyCapture;
  readonly #held: readonly Uint8Array[];
  /** A read that was under way when the body stopped being held. */
  #reading: Promise<Chunk> | undefined;
  #clientGone = false;

  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    capture: BodyCapture,
    held: readonly Uint8Array[],
    reading?: Promise<Chunk>,
  ) {
    this.#reader = reader;
    this.#capture = capture;
    this.#held = held;
    this.#reading = reading;
    reading?.catch(() => {}); // It is looked at when the client asks for it, if it ever does.
  }

  stream(onEnd: OnEnd): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          for (const chunk of this.#held) controller.enqueue(chunk);
        },
        pull: async (controller) => {
          const end = await this.#next((chunk) => controller.enqueue(chunk));
          if (end === undefined || this.#clientGone) return;
          const error = await onEnd(end);
          if (this.#clientGone) return;
          if (error === undefined) controller.close();
          else controller.error(error);
        },
        cancel: async (reason) => {
          this.#clientGone = true;
          await this.#readOn(onEnd, reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** One chunk more; how the body ended, if it did. */
  async #next(deliver: (chunk: Uint8Array) => void): Promise<BodyEnd | undefined> {
    try {
      const reading = this.#reading ?? this.#reader.read();
      this.#reading = undefined; // Taken: whoever asks meanwhile gets the chunk after it.
      const chunk = await reading;
      if (chunk.done) return endOf(this.#capture);
      this.#capture.pushCopy(chunk.value);
      if (!this.#clientGone) deliver(chunk.value);
      return undefined;
    } catch (error) {
      return { kind: "failed", error };
    }
  }

  /** Without the client, for the store alone; a body that is not to be stored is not read. */
  async #readOn(onEnd: OnEnd, reason: unknown): Promise<void> {
    let end: BodyEnd | undefined;
    while (end === undefined && !this.#capture.overflowed) end = await this.#next(() => {});
    if (end === undefined) await this.#reader.cancel(reason).catch(() => {});
    await onEnd(end ?? { kind: "too-large" });
  }
}
