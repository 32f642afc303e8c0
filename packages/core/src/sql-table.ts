/**
 * Tables of ours in a user's SQL database: who runs the statements, and how a table is named.
 *
 * A table's name is the only text of a caller that becomes part of a statement; all else goes as a
 * parameter. So names have one grammar and one place where they are quoted.
 */
import { invalidArgument } from "./checks.ts";

/** What runs SQL: a client of `pg`, or anything with its `query`. */
export interface SqlClient {
  /** Runs one statement with its `$1, $2, …`. */
  query(text: string, values?: unknown[]): PromiseLike<{ readonly rows: readonly unknown[] }>;
}

/** PostgreSQL cuts longer names. */
const MAX_NAME_BYTES = 63;
/** Short enough that an index's name, made from the table's, is not cut either. */
const MAX_INDEXED_BYTES = 48;
const NAME = /^(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * `table`, quoted, as SQL.
 *
 * @param isIndexed false: no index is named after it, so its name may have 63 bytes and not 48.
 * @throws INVALID_ARGUMENT it is not a name, or `schema.name`, of letters, digits and `_`.
 *
 * @example
 * import { quoteTable } from "@quorate/core";
 * console.log(quoteTable("billing.orders")); // => "billing"."orders"
 */
export function quoteTable(table: string, isIndexed = true): string {
  const name = typeof table === "string" ? NAME.exec(table)?.[1] : undefined;
  if (name === undefined || name.length > (isIndexed ? MAX_INDEXED_BYTES : MAX_NAME_BYTES)) {
    throw invalidArgument("table", table, "name or schema.name, of letters, digits and _");
  }
  return table
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}
