/**
 * The twin of NATS against a real JetStream: one server, with leases over kv on both sides.
 */
import { natsBackend } from "@quorate/nats";
import { afterAll, beforeAll, describe } from "vitest";
import { needs, startNats } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { connectTo, type OwnConnection } from "../support/nats-client.ts";
import type { Engine } from "./side.ts";
import { itIsATwin } from "./twin.ts";

const nats = needs("nats@2.15");

/** What a twin may not do unnoticed. */
const PLANTED = [
  "delete does not compare",
  "retention is forgotten",
  "a watch skips deletes",
  "release frees whoever holds",
];

describe.skipIf(nats.skip)(`the twin of nats${nats.reason}`, () => {
  let server: ServerProcess;
  let real: Engine;
  const connections = new Set<OwnConnection>();
  beforeAll(async () => {
    server = await startNats({ version: "2.15" });
    real = {
      name: `nats ${server.version}`,
      open: async (namespace) => {
        const connection = await connectTo("@nats-io/transport-node", server.url);
        connections.add(connection);
        const backend = natsBackend(connection, { namespace, storage: "memory" });
        const close = backend.close.bind(backend);
        // A long hunt would use up the server's connections.
        backend.close = async (how) => {
          await close(how);
          await connection.close();
          connections.delete(connection);
        };
        return backend;
      },
    };
  });
  afterAll(async () => {
    await Promise.all([...connections].map((connection) => connection.close()));
    await server.stop();
  });

  itIsATwin({ engine: "nats", real: () => real, lapseMs: 600, planted: PLANTED });
});
