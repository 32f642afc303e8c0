/**
 * One NATS server as the conformance suite wants it.
 */
import type { Harness } from "@quorate/conformance";
import type { NatsBackendOptions } from "@quorate/nats";
import { startNats } from "../../scripts/servers/index.mjs";
import { freePort } from "../../scripts/servers/ports.mjs";
import type { NatsLine } from "../../scripts/servers/types.ts";
import { connectTo, freshNamespace, type NatsClient } from "./nats-client.ts";
import { NatsLinks, pause, resourcesOf } from "./nats-links.ts";

/** What a harness is started with. */
export interface NatsHarnessOptions {
  readonly version: NatsLine;
  readonly client: NatsClient;
  readonly backend?: NatsBackendOptions;
}

/** Starts a server and opens backends on it. */
export async function natsHarness(options: NatsHarnessOptions): Promise<Harness> {
  const { version, client } = options;
  const monitor = await freePort();
  const server = await startNats({ version, config: `http: "127.0.0.1:${monitor}"` });
  const admin = await connectTo(client, server.url);
  const namespace = freshNamespace();
  const links = new NatsLinks(namespace, admin);
  return {
    name: `nats-server ${server.version}, client ${client}`,
    open: (how = {}) => links.open(how, { target: server, client, options: options.backend }),
    pass: pause,
    faults: {
      ...links.faults(),
      freeze: () => server.pause(),
      thaw: () => server.resume(),
      killServer: () => server.kill(),
      restartServer: () => server.restart(),
    },
    serverResources: () => resourcesOf(admin, namespace, [monitor]),
    close: async () => {
      await links.close();
      await admin.close();
      await server.stop();
    },
  };
}
