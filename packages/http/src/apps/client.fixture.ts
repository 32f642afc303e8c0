/**
 * A client that shows what goes over the wire: nothing decoded, nothing followed, nothing retried.
 */
import { type IncomingHttpHeaders, request } from "node:http";

/** What to ask. */
export interface Ask {
  readonly method?: string;
  readonly key?: string;
  readonly tenant?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly signal?: AbortSignal;
}

/** What came back. */
export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, what: Ask = {}): Promise<Got> {
  const { method = "POST", key, tenant = "acme", body = '{"amount":7}' } = what;
  const headers = {
    "content-type": "application/json",
    "x-tenant": tenant,
    ...(key === undefined ? {} : { "idempotency-key": key }),
    ...(method === "GET" ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    ...what.headers,
  };
  return new Promise((resolve, reject) => {
    const { signal } = what;
    const options = { host: "127.0.0.1", port, path, method, headers, agent: false };
    const outgoing = request({ ...options, ...(signal === undefined ? {} : { signal }) });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const { statusCode = 0 } = incoming;
        resolve({ status: statusCode, headers: incoming.headers, body: Buffer.concat(chunks) });
      });
    });
    outgoing.end(method === "GET" ? undefined : body);
  });
}

/** The type of a problem document, without its base. */
export function problemOf({ headers, body }: Got): string {
  if (headers["content-type"] !== "application/problem+json") return "no problem";
  const { type } = JSON.parse(body.toString()) as { type: string };
  return type.replace("urn:quorate:idempotency:", "");
}
