/**
 * Groups: what this process came to think of their members.
 */
import type { Family } from "../listeners.ts";
import type { Telemetry } from "../telemetry.ts";

interface Changed {
  readonly group: string;
  readonly change: string;
}

/** Hears `membership.*` and `swim.*`. */
export function membersFamily(telemetry: Telemetry): Family {
  const changed = ({ change, group }: Changed): void =>
    telemetry.record("memberChanges", 1, {
      "quorate.member.group": telemetry.name("quorate.member.group", group),
      "quorate.member.change": change,
    });
  return { channels: { "membership.changed": changed, "swim.changed": changed } };
}
