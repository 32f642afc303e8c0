/**
 * The tap: sees what a handler answers over a response of Node's `http`, for Express and Fastify.
 *
 * Whatever a framework offers (`res.json`, `res.redirect`, `res.sendFile`, `reply.send`, a pipe)
 * ends in `writeHead`, `write` and `end`; these are watched. An answer that is given in one turn of
 * the event loop is stored before its first byte is sent. One that is streamed flows to the client
 * as it comes, and its last byte waits for the store: who has seen the end can rely on it.
 *
 * ```
 *        writeHead        write         a turn later          end           stored
 *   open ─────────► head ──────► held ───────────────► flowing ──────► sealed ──────► over
 *     └───────────────┴───────────┴─────────── end ───────────────────►
 * ```
 *
 * If another run has answered for the key meanwhile, its answer is sent instead; if bytes are out
 * already, the connection is cut, so that the client asks again and is given that answer.
 *
 * Guarantees: the first `end` is the answer; what a handler sends after it is ignored.
 * Does not guarantee that a stream is read to its end when the client leaves: Node's `pipe` stops
 * then, and such an answer counts as unkept. What comes of one `end` is stored in any case.
 */
import type { ServerResponse } from "node:http";

import type { Timer } from "@quorate/core";
import {
  type Answer,
  NO_BYTES,
  NOT_STORED_HEADER,
  notStoredMark,
  type NotStoredReason,
} from "../answer.ts";
import { BodyCapture } from "../body-capture.ts";
import type { HttpRun, Outcome } from "../run.ts";
import { applyHead, bytesOf, headersOf, isChunk, mayEndWith } from "./head-arguments.ts";
import { HeaderLock } from "./header-lock.ts";
import { forgetOwnAnswer, sendAnswer } from "./send-answer.ts";

type Phase = "open" | "head" | "held" | "flowing" | "sealed" | "over";
type Originals = Pick<ServerResponse, "writeHead" | "write" | "end" | "flushHeaders">;

/** Watches `response` for the answer of `run`, and ends the run with it. */
export function tapResponse(response: ServerResponse, run: HttpRun): void {
  new ResponseTap(response, run).open();
}

class ResponseTap {
  readonly #response: ServerResponse;
  readonly #run: HttpRun;
  readonly #original: Originals;
  readonly #lock: HeaderLock;
  readonly #capture: BodyCapture;
  #phase: Phase = "open";
  /** The handler has called `writeHead`, and it has not been done yet. */
  #owesHead = false;
  /** Calls of `write` that have not been made yet. */
  #held: unknown[][] = [];
  /** Why the answer will not be kept, once that is known. */
  #unkept: NotStoredReason | undefined;
  #cutOff: Timer | undefined;

  constructor(response: ServerResponse, run: HttpRun) {
    const { writeHead, write, end, flushHeaders } = response;
    this.#response = response;
    this.#run = run;
    this.#original = { writeHead, write, end, flushHeaders };
    this.#lock = new HeaderLock(response);
    this.#capture = new BodyCapture(run.terms.maxBodyBytes);
  }

  open(): void {
    const replaced: Record<keyof Originals, (...args: unknown[]) => unknown> = {
      writeHead: (...args) => this.#writeHead(args),
      write: (...args) => this.#write(args),
      end: (...args) => this.#end(args),
      flushHeaders: () => this.#flushHeaders(),
    };
    Object.assign(this.#response, replaced);
    this.#response.once("close", () => this.#closed());
  }

  #writeHead(args: unknown[]): unknown {
    if (this.#phase === "sealed") return this.#response;
    if (this.#phase !== "open") return this.#call("writeHead", args);
    applyHead(this.#response, args);
    this.#phase = "head";
    this.#owesHead = true;
    this.#lock.refuseChanges();
    return this.#response;
  }

  #write(args: unknown[]): unknown {
    if (this.#phase === "sealed") return true; // Too late, as is all after `end`.
    if (!isChunk(args[0])) this.#flow(); // Node's own error, at once.
    else if (this.#phase === "open" || this.#phase === "head") this.#hold();
    // A caller may fill its buffer anew as soon as it has been sent: hence the copy.
    const bytes = bytesOf(args[0], args[1])?.slice() ?? NO_BYTES;
    if (this.#isKeeping()) this.#capture.push(bytes);
    if (this.#phase !== "held") return this.#call("write", args);
    this.#held.push([bytes, ...args.filter((arg) => typeof arg === "function")]);
    if (this.#capture.overflowed) this.#flow();
    return true;
  }

  /** Fastify writes and ends in one go, even what is one piece: the end may be about to come. */
  #hold(): void {
    this.#phase = "held";
    this.#lock.refuseChanges();
    queueMicrotask(() => {
      try {
        this.#flow();
      } catch (error) {
        this.#response.destroy(asError(error));
      }
    });
  }

  #flushHeaders(): unknown {
    if (this.#phase === "sealed") return undefined;
    this.#flow();
    return this.#call("flushHeaders", []);
  }

  #end(args: unknown[]): unknown {
    if (this.#phase === "sealed") return this.#response;
    if (this.#phase === "over" || !mayEndWith(args[0])) return this.#call("end", args);
    if (this.#isKeeping()) this.#capture.push(bytesOf(args[0], args[1]) ?? NO_BYTES);
    // An event stream is none because it is short.
    this.#unkept ??= reasonNotToKeep(this.#response, this.#run.terms.maxBodyBytes);
    const flowing = this.#phase === "flowing";
    this.#cutOff?.cancel();
    const { statusCode, statusMessage } = this.#response;
    const ending = this.#finish();
    this.#phase = "sealed";
    this.#lock.ignoreChanges();
    const send = (outcome: Outcome): void => {
      this.#lock.unlock();
      this.#phase = "over";
      Object.assign(this.#response, { statusCode, statusMessage });
      this.#send(outcome, flowing, args);
    };
    // What a wrapper around us throws here would have gone to a handler that has returned by now.
    ending.then(send).catch((error: unknown) => this.#response.destroy(asError(error)));
    return this.#response;
  }

  #isKeeping(): boolean {
    return this.#phase !== "over" && this.#unkept === undefined;
  }

  /** The head goes out, and with it the chance to say something else. */
  #flow(): void {
    if (this.#phase !== "open" && this.#phase !== "head" && this.#phase !== "held") return;
    const response = this.#response;
    this.#lock.unlock();
    this.#phase = "flowing";
    const tooLong = this.#capture.overflowed ? "too-large" : undefined;
    this.#unkept = tooLong ?? reasonNotToKeep(response, this.#run.terms.maxBodyBytes);
    if (this.#unkept !== undefined) response.setHeader(NOT_STORED_HEADER, this.#unkept);
    this.#writeHeld();
  }

  #writeHeld(): void {
    // By ourselves: Node would do it through whatever is wrapped around us, a second time.
    if (this.#owesHead) this.#call("writeHead", [this.#response.statusCode]);
    this.#owesHead = false;
    for (const args of this.#held) this.#call("write", args);
    this.#held = [];
  }

  #finish(): Promise<Outcome> {
    const body = this.#unkept === undefined ? this.#capture.bytes() : undefined;
    const answer = this.#answer(body ?? NO_BYTES);
    if (body !== undefined) return this.#run.finish(answer);
    return this.#run.finishUnkept(answer, this.#unkept ?? "too-large");
  }

  #send({ kind, answer }: Outcome, flowing: boolean, args: unknown[]): void {
    const response = this.#response;
    if (kind === "own") {
      const mark = notStoredMark(answer);
      if (mark !== undefined && !response.headersSent) response.setHeader(...mark);
      this.#writeHeld();
      this.#call("end", args);
    } else if (flowing || response.headersSent) {
      response.destroy();
    } else {
      forgetOwnAnswer(response);
      sendAnswer(response, answer);
    }
  }

  /** The client has left, or the response was destroyed. A handler may still be at work. */
  #closed(): void {
    if (this.#phase !== "flowing") return;
    const giveUp = (): void => {
      if (this.#phase !== "flowing") return;
      this.#phase = "over";
      void this.#run.finishUnkept(this.#answer(NO_BYTES), this.#unkept ?? "stream");
    };
    if (this.#unkept !== undefined) return giveUp();
    const { cutOffMs, runtime } = this.#run.terms;
    this.#cutOff = runtime.time.setTimer(cutOffMs, giveUp, { keepAlive: false });
  }

  #answer(body: Uint8Array): Answer {
    const response = this.#response;
    return { status: response.statusCode, headers: headersOf(response), body };
  }

  #call(name: keyof Originals, args: unknown[]): unknown {
    const original = this.#original[name] as (...args: unknown[]) => unknown;
    return original.apply(this.#response, args);
  }
}

/** What is known of a body before its first byte. */
function reasonNotToKeep(
  response: ServerResponse,
  maxBodyBytes: number,
): NotStoredReason | undefined {
  const type = String(response.getHeader("content-type") ?? "");
  if (/^text\/event-stream\b/i.test(type)) return "stream";
  const length = Number(response.getHeader("content-length") ?? 0);
  return length > maxBodyBytes ? "too-large" : undefined;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
