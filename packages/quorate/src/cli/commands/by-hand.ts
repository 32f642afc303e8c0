/**
 * Who does something by hand, and why: written into the records that keep an audit.
 */
import { invalidArgument } from "@quorate/core";
import type { CommandOption, Context } from "../command.ts";

/** The options of a verb that is kept for the record. */
export const BY_HAND: readonly CommandOption[] = [
  { name: "why", value: "TEXT", summary: "for the record; needed" },
  { name: "by", value: "NAME", summary: "for the record; else the user of this shell" },
];

/** Who and why. @throws INVALID_ARGUMENT nobody said why */
export function byHand({ option, terminal }: Context): {
  readonly by: string;
  readonly why: string;
} {
  const why = option("why");
  if (why === undefined || why.trim() === "") {
    throw invalidArgument(
      "--why",
      why,
      'a reason for the record, as --why "card provider is down"',
    );
  }
  const by = option("by") ?? terminal.env["USER"] ?? terminal.env["USERNAME"] ?? "quorate-cli";
  return { by, why };
}
