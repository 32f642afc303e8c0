/**
 * Refusals, as the two clients report them.
 *
 * A server that forbids a subject says so on the side, not as an answer; the exchange itself would
 * only stay silent. 2.x puts the subject into `permissionContext`, 3.x into the error.
 */
import { scrub } from "@quorate/core";

/** A publication or subscription that the server forbade. */
export interface PermissionRefusal {
  readonly subject: string;
  readonly reason: string;
}

/** Reads a status event of type `error`; `undefined` where it is about something else. */
export function permissionRefusal(status: unknown): PermissionRefusal | undefined {
  const fields = fieldsOf(status);
  const context = fieldsOf(fields["permissionContext"] ?? fields["error"]);
  const { operation, subject } = context;
  if (typeof operation !== "string" || typeof subject !== "string") return undefined;
  return { subject, reason: scrub(`no permission for ${operation} of ${subject}`) };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
