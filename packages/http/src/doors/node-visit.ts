/**
 * A visit over Node's `http`: what its response tells of its end.
 *
 * The end of a handler is the end of its response. A client may leave before; the handler is then
 * still at work, for nobody, and its place is not free. So once the client has left it is the call
 * of `end` that counts, which Node does not tell of; hence it is listened for, from then on.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { HeaderValue } from "../deadline/read-budget.ts";
import type { Visit, VisitEnd } from "./door.ts";

/** One request of Express or Fastify. Listens to its response once, for all who ask it. */
export class NodeVisit<R> implements Visit<R> {
  readonly request: R;
  readonly method: string;
  readonly target: string;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #leaving: (() => void)[] = [];
  readonly #ending: ((end: VisitEnd) => void)[] = [];
  #isListening = false;

  constructor(request: R, target: string, message: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.method = message.method ?? "";
    this.target = target;
    this.#message = message;
    this.#response = response;
  }

  header(name: string): HeaderValue {
    return this.#message.headers[name];
  }

  onLeave(listener: () => void): void {
    if (this.#hasLeft()) return listener();
    this.#leaving.push(listener);
    this.#listen();
  }

  onEnd(listener: (end: VisitEnd) => void): void {
    this.#ending.push(listener);
    if (this.#hasLeft()) this.#awaitEnd();
    else this.#listen();
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#response.once("finish", () => this.#end());
    this.#response.once("close", () => {
      if (!this.#hasLeft()) return;
      for (const listener of this.#leaving.splice(0)) listener();
      this.#awaitEnd();
    });
  }

  #hasLeft(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished;
  }

  #awaitEnd(): void {
    const response = this.#response;
    if (response.writableEnded) return this.#end();
    const { end } = response;
    response.end = ((...args: unknown[]) => {
      this.#end();
      return Reflect.apply(end, response, args);
    }) as typeof response.end;
  }

  #end(): void {
    const status = this.#response.statusCode;
    for (const listener of this.#ending.splice(0)) listener({ kind: "answered", status });
  }
}
