/**
 * A cron job of one's own, twice: as it was first written, and as it is right.
 *
 * Every instance of the service looks now and then whether the day's reminders were sent. They must
 * not be sent twice. Both versions pass every test that starts one instance.
 */
import type { Backend } from "@quorate/core";

/** Sends the reminders of `day` through `send`, if nobody has. */
export type Remind = (backend: Backend, day: string, send: () => void) => Promise<void>;

/** Looks first, then sends, then says so: who dies or is cut off before that is not the last. */
export const remindCarelessly: Remind = async ({ kv }, day, send) => {
  if ((await kv.get(`reminders/${day}`)) !== undefined) return;
  send();
  await kv.put(`reminders/${day}`, "sent");
};

/** Claims the day first, in one step that only one can win. Who dies after that sends nothing. */
export const remindAtMostOnce: Remind = async ({ kv }, day, send) => {
  const claim = await kv.put(`reminders/${day}`, "claimed", { expect: "absent" });
  if (claim.ok) send();
};
