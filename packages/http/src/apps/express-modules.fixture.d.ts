/** What the tests use of Express, which has no types of its own. */
declare module "express" {
  import type { IncomingMessage, Server, ServerResponse } from "node:http";

  export interface Req extends IncomingMessage {
    readonly body: unknown;
    readonly originalUrl: string;
    readonly params: Readonly<Record<string, string>>;
  }
  export interface Res extends ServerResponse {
    status(code: number): this;
    set(name: string, value: string): this;
    type(type: string): this;
    json(body: unknown): this;
    send(body: unknown): this;
    redirect(status: number, url: string): void;
    sendFile(path: string): void;
    sendStatus(code: number): this;
    cookie(name: string, value: string): this;
  }
  export type Next = (error?: unknown) => void;
  export type Handler = (req: Req, res: Res, next: Next) => unknown;
  export type ErrorHandler = (error: unknown, req: Req, res: Res, next: Next) => unknown;
  export interface App {
    use(handler: Handler): App;
    use(handler: ErrorHandler): App;
    post(path: string, handler: Handler): App;
    get(path: string, handler: Handler): App;
    set(name: string, value: unknown): App;
    listen(port: number, host: string, ready: () => void): Server;
  }
  export interface Express {
    (): App;
    json(): Handler;
    raw(options: { readonly type: string }): Handler;
  }
  const express: Express;
  export default express;
}

declare module "express4" {
  import type { Express } from "express";

  const express: Express;
  export default express;
}
