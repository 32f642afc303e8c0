import { describe, expect, it } from "vitest";

import { ask } from "./apps/client.fixture.ts";
import { startExpress5 } from "./apps/express-app.fixture.ts";
import { startFetch } from "./apps/fetch-app.fixture.ts";
import { World } from "./apps/world.fixture.ts";

describe("the store", () => {
  it.each([
    ["express", startExpress5],
    ["fetch", startFetch],
  ])(
    "learns nothing of a request in %s: no header, key, scope or payload",
    async (_name, start) => {
      const world = new World();
      const app = await start(world, {});
      const got = await ask(app.port, "/private", {
        key: '"key-of-the-client"',
        tenant: "tenant-acme",
        body: '{"card":"4242424242424242"}',
        headers: { authorization: "Bearer secret-token", cookie: "sid=secret-cookie" },
      });
      expect(got.status).toBe(200);

      const stored: string[] = [];
      for await (const entry of world.backend.kv.list("idempotency")) {
        stored.push(entry.key, Buffer.from(entry.value).toString());
      }
      const all = stored.join("\n");
      expect(all).toContain('{\\"run\\":1}'); // It is there, so the rest would be, too.
      for (const secret of ["key-of-the", "tenant-acme", "4242", "secret", "session", "x-run"]) {
        expect(all).not.toContain(secret);
      }
      await app.close();
      await world.close();
    },
  );
});
