/**
 * From a handler's `Response` to the one that is sent: the run is ended on the way.
 */
import { type Answer, hasNoBody, NO_BYTES, NOT_STORED_HEADER, notStoredMark } from "../answer.ts";
import type { HttpRun, Outcome } from "../run.ts";
import { type BodyEnd, holdBody, type OnEnd } from "./held-body.ts";

/** An answer as a `Response`. */
export function responseOf(answer: Answer): Response {
  const body = hasNoBody(answer.status) ? null : (answer.body as BodyInit);
  const headers = answer.headers.map(([name, value]): [string, string] => [name, value]);
  return new Response(body, { status: answer.status, headers });
}

type BodyInit = ConstructorParameters<typeof Response>[0];

/** Ends `run` with what the handler returned, and makes the response to send. */
export async function settleResponse(response: Response, run: HttpRun): Promise<Response> {
  // Not an answer of HTTP (a network error, an upgrade): there is nothing that could be stored.
  if (response.status < 200) {
    await run.fail(undefined);
    return response;
  }
  const { body } = response;
  if (body === null) return send(response, null, await run.finish(answerOf(response, NO_BYTES)));
  if (isEventStream(response)) return unkeepable(response, run);
  const held = await holdBody(
    body as ReadableStream<Uint8Array>,
    run.terms.maxBodyBytes,
    run.terms.runtime,
  );
  if (held.kind === "failed") {
    await run.fail(held.error);
    throw held.error;
  }
  if (held.kind !== "flowing") {
    const bytes = held.kind === "whole" ? held.bytes : NO_BYTES;
    return send(response, bytes, await endRun(response, run, held));
  }
  const stream = held.stream((end) => brokenBy(endRun(response, run, end)));
  return remade(response, stream, held.tooLarge ? "too-large" : undefined);
}

/** A stream that has no end by its nature: told before, and ended when it is. */
function unkeepable(response: Response, run: HttpRun): Response {
  const source = (response.body as ReadableStream<Uint8Array>).getReader();
  const ended = (): Promise<Outcome> => run.finishUnkept(answerOf(response, NO_BYTES), "stream");
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await source.read();
          if (!done) return controller.enqueue(value);
          await ended();
          controller.close();
        } catch (error) {
          await ended();
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        await source.cancel(reason).catch(() => {});
        await ended();
      },
    },
    { highWaterMark: 0 },
  );
  return remade(response, stream, "stream");
}

function endRun(response: Response, run: HttpRun, end: BodyEnd): Promise<Outcome> {
  switch (end.kind) {
    case "whole":
      return run.finish(answerOf(response, end.bytes));
    case "too-large":
      return run.finishUnkept(answerOf(response, NO_BYTES), "too-large");
    case "failed":
      return run.finishUnkept(answerOf(response, NO_BYTES), "stream");
  }
}

/** Bytes of an answer are out that does not count: broken off, so that the client asks again. */
async function brokenBy(ending: Promise<Outcome>): ReturnType<OnEnd> {
  const outcome = await ending;
  if (outcome.kind === "own") return undefined;
  return new Error("another run has answered for this idempotency key: ask again");
}

function send(response: Response, body: Uint8Array | null, outcome: Outcome): Response {
  if (outcome.kind === "other") return responseOf(outcome.answer);
  return remade(response, body, notStoredMark(outcome.answer)?.[1]);
}

/** The handler's response around another body, and with a mark where it has one. */
function remade(
  response: Response,
  body: Uint8Array | ReadableStream<Uint8Array> | null,
  mark: string | undefined,
): Response {
  const { status, statusText, headers } = response;
  const copy = new Response(body as BodyInit, { status, statusText, headers });
  if (mark !== undefined) copy.headers.set(NOT_STORED_HEADER, mark);
  return copy;
}

function answerOf(response: Response, body: Uint8Array): Answer {
  return { status: response.status, headers: [...response.headers], body };
}

function isEventStream(response: Response): boolean {
  return /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
}
