/**
 * Makes a response of Node's `http` look to its handler as it would without us, while nothing has
 * been sent yet.
 *
 * After `writeHead` the head counts as sent: `headersSent` is true, and whoever changes a header
 * gets Node's own error. After `end` the answer is given, and what comes later is too late: it is
 * ignored instead of refused. An error would travel to the framework's last resort, which is to
 * destroy the connection, and with it an answer that is just being stored.
 */
import type { ServerResponse } from "node:http";

const CHANGERS = ["setHeader", "setHeaders", "appendHeader", "removeHeader"] as const;

/** Locks and unlocks one response. */
export class HeaderLock {
  readonly #response: ServerResponse;
  /** What stood on the object itself before: another middleware's, or nothing. */
  readonly #before = new Map<string, PropertyDescriptor | undefined>();

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** The head looks sent: changes are errors. */
  refuseChanges(): void {
    this.#replace("headersSent", { get: () => true });
    this.#replaceChangers(refuseChange);
  }

  /** The response has ended: changes are ignored. */
  ignoreChanges(): void {
    this.#replace("writableEnded", { get: () => true });
    this.#replaceChangers(() => this.#response);
  }

  /** The response is what it was. */
  unlock(): void {
    for (const [name, descriptor] of this.#before) {
      delete (this.#response as unknown as Record<string, unknown>)[name];
      if (descriptor !== undefined) Object.defineProperty(this.#response, name, descriptor);
    }
    this.#before.clear();
  }

  #replaceChangers(value: () => unknown): void {
    for (const name of CHANGERS) {
      if (typeof this.#response[name] === "function") this.#replace(name, { value });
    }
  }

  #replace(name: string, descriptor: PropertyDescriptor): void {
    if (!this.#before.has(name)) {
      this.#before.set(name, Object.getOwnPropertyDescriptor(this.#response, name));
    }
    Object.defineProperty(this.#response, name, { configurable: true, ...descriptor });
  }
}

/** As Node itself does. */
function refuseChange(): never {
  const error = new Error("Cannot change headers after they are sent to the client");
  throw Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
