/** On a real PostgreSQL: what its transactions promise is what is relied upon. */
import { memoryBackend } from "@quorate/memory";
import {
  createRelay,
  messageBarrierTable,
  outboxTable,
  type Publish,
  type Relay,
  sqlMessageBarrier,
  sqlOutbox,
  transactionalMessages,
} from "@quorate/transaction";
import { Client, Pool } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { needs, startPostgres } from "../../scripts/servers/index.mjs";
import type { ServerProcess } from "../../scripts/servers/types.ts";
import { until } from "../../scripts/servers/wire.mjs";

describe.skipIf(needs("postgres").skip)("an outbox in PostgreSQL", () => {
  let server: ServerProcess;
  let pool: Pool;
  const clients: Client[] = [];
  const relays: Relay[] = [];
  const backend = memoryBackend();
  beforeAll(async () => {
    server = await startPostgres({ maxConnections: 50 });
    pool = new Pool({ connectionString: server.url, max: 10 });
    pool.on("error", () => {});
    await pool.query(outboxTable() + messageBarrierTable());
    await pool.query(outboxTable());
  });
  beforeEach(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.close()));
    // Transactions that a test left open would hold the table's lock.
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await pool.query("TRUNCATE quorate_outbox");
  });
  afterAll(async () => {
    await Promise.all(relays.splice(0).map((relay) => relay.close()));
    await Promise.allSettled(clients.map((client) => client.end()));
    await pool.end();
    await server.stop();
  });

  const open = async (): Promise<Client> => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    clients.push(client);
    await client.query("BEGIN");
    return client;
  };
  const heard: string[] = [];
  const outbox = (): ReturnType<typeof sqlOutbox> => sqlOutbox(pool, { pollMs: 20 });
  const relay = async (options: object = {}, to?: Publish): Promise<Relay> => {
    heard.length = 0;
    const note: Publish = async (message, context) => {
      await to?.(message, context);
      heard.push(`${message.key} ${message.payload as string}`);
    };
    const started = createRelay(backend, { from: outbox(), to: note, partitions: 2, ...options });
    relays.push(started);
    await started.start();
    return started;
  };
  const rows = async (state: string): Promise<number> => {
    const text = "SELECT 1 FROM quorate_outbox WHERE state = $1";
    return (await pool.query(text, [state])).rows.length;
  };
  const drained = (): Promise<unknown> =>
    until("no rows", async () => (await rows("pending")) === 0);

  it("skips nothing where two transactions commit in reverse order", async () => {
    const [slow, quick] = [await open(), await open()];
    const key = "o-1";
    await outbox().add(slow, "placed", "slow", { key });
    await outbox().add(quick, "placed", "quick", { key });
    // How it must not be done: a cursor over the sequence, kept by a reader of its own.
    let last = 0;
    const byCursor: string[] = [];
    const readByCursor = async (): Promise<void> => {
      const text = "SELECT seq, payload FROM quorate_outbox WHERE seq > $1 ORDER BY seq";
      for (const { seq, payload } of (await pool.query(text, [last])).rows) {
        last = Number(seq);
        byCursor.push(JSON.parse(String(payload)) as string);
      }
    };
    await quick.query("COMMIT");
    await readByCursor();
    await relay();
    await drained();
    expect(heard).toEqual(["o-1 quick"]);
    await slow.query("COMMIT");
    await until("the late one", async () => heard.length === 2);
    await readByCursor();
    await drained();
    expect(heard).toEqual(["o-1 quick", "o-1 slow"]);
    expect(byCursor).toEqual(["quick"]);
  });

  it("stores nothing of a transaction that rolls back, and orders a key by its lock", async () => {
    const [first, second, third] = [await open(), await open(), await open()];
    await outbox().add(first, "placed", 1, { key: "o-1", lockKey: true });
    const waiting = outbox().add(second, "placed", 2, { key: "o-1", lockKey: true });
    await outbox().add(third, "placed", 3, { key: "o-1" });
    await third.query("ROLLBACK");
    await relay();
    await until("somebody waits", async () => {
      const text = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      return (await pool.query(text)).rows.length > 0;
    });
    expect(heard).toEqual([]);
    await first.query("COMMIT");
    await waiting;
    await second.query("COMMIT");
    await until("both", async () => heard.length === 2);
    expect(heard).toEqual(["o-1 1", "o-1 2"]);
  });

  it("keeps the order of each key over two relays that come and go", async () => {
    const keys = ["a", "b", "c", "d", "e"];
    for (let n = 0; n < 20; n++) {
      for (const key of keys) await outbox().add(pool, "placed", n, { key });
    }
    const options = { ttlMs: 300, batch: 4 };
    const one = await relay(options);
    await relay(options);
    await until("some", async () => heard.length > 20);
    await one.close();
    await drained();
    for (const key of keys) {
      const first = [...new Set(heard.filter((line) => line.startsWith(key)))];
      expect(first).toEqual(Array.from({ length: 20 }, (_, n) => `${key} ${n}`));
    }
  });

  it("stops the key of a poison row, gives it up, and takes it back", async () => {
    const add = (key: string, payload: number): Promise<string> =>
      outbox().add(pool, "placed", payload, { key });
    const id = await add("bad", 1);
    await add("bad", 2);
    await add("good", 3);
    await pool.query(
      "INSERT INTO quorate_outbox (id, slot, key, topic, payload) VALUES ($1, 0, $2, 't', $3)",
      ["hostile", "hostile", "{not json"],
    );
    let isPoison = true;
    await relay({ retry: { attempts: 3, baseMs: 150, maxMs: 150 } }, async ({ payload }) => {
      if (isPoison && payload === 1) throw new Error("cannot be read");
    });
    await until("the good one", async () => heard.includes("good 3"));
    expect(heard).toEqual(["good 3"]);
    await until("the key goes on", async () => heard.includes("bad 2"));
    expect(heard).toEqual(["good 3", "bad 2"]);
    await until("a dead letter", async () => (await rows("dead")) === 1);
    const letters = [];
    for await (const letter of outbox().deadLetters()) letters.push(letter);
    expect(letters).toMatchObject([{ id, attempts: 3, payload: 1, problem: "cannot be read" }]);
    isPoison = false;
    expect(await outbox().redrive(id)).toBe(true);
    await until("it is back", async () => heard.includes("bad 1"));
    expect(await outbox().drop(id, { by: "alice", why: "a test" })).toBe(false);
    // What nobody can read stays for whoever wrote it.
    await until("one row", async () => (await rows("pending")) === 1);
  });

  it("decides a two-phase message once: by its transaction, or by who asked first", async () => {
    const { inTransaction, committed } = sqlMessageBarrier(pool);
    const messages = transactionalMessages(backend, "mails", {
      committed,
      checkAfterMs: 50,
      partitions: 1,
    });
    for (const id of ["goes", "late", "open"]) await messages.prepare(id, "mail", id);
    const [goes, late, still] = [await open(), await open(), await open()];
    await inTransaction(goes, "goes");
    await goes.query("COMMIT"); // And its process dies before `submit`.
    await inTransaction(still, "open");
    await relay({ from: messages, partitions: 1 });
    await until("the committed one", async () => heard.length === 1);
    await until("the late one is decided", async () => {
      const text = "SELECT 1 FROM quorate_messages WHERE id = 'late'";
      return (await pool.query(text)).rows.length === 1;
    });
    await expect(inTransaction(late, "late")).rejects.toMatchObject({ code: "BARRIER_REFUSED" });
    expect(heard).toEqual(["goes goes"]);
    await still.query("COMMIT"); // The asker has waited for it.
    await until("the one that was open", async () => heard.length === 2);
    expect(heard).toEqual(["goes goes", "open open"]);
  });
});
