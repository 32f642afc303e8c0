/**
 * A loopback HTTP server that ends with its player.
 */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that listens; `close` cuts its connections, too. */
export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free port; `killed` cuts every connection, as the end of a process does. */
export async function listen(handler: RequestListener, killed?: AbortSignal): Promise<Listening> {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const slam = (): void => {
    server.close();
    server.closeAllConnections();
  };
  killed?.addEventListener("abort", slam);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      if (!server.listening) return;
      slam();
      await once(server, "close");
    },
  };
}
