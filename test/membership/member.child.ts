/**
 * A member in a process of its own, on a real server. It tells its parent what it thinks of itself.
 */
import { createLeaseMembership } from "@quorate/membership";

import { connect } from "../idempotency/connect.ts";

const { ENGINE = "", URL: url = "", NAMESPACE = "", TTL_MS, MEMBER = "" } = process.env;

const { backend } = await connect(ENGINE, url, NAMESPACE);
const members = createLeaseMembership(backend, {
  ...{ group: "workers", id: MEMBER, ttlMs: Number(TTL_MS) },
  watches: false,
});
process.on("disconnect", () => process.exit());
await members.ready();
for await (const event of members.watch()) {
  if (!("member" in event)) continue;
  const { id, incarnation, state } = event.member;
  if (id === MEMBER) process.send?.({ state, incarnation });
}
