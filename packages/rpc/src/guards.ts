/**
 * Which error of the contract was it? Narrows a caught error to one that a method declares.
 */
import { isQuorateError, type QuorateError } from "@quorate/core";
import type { Contract, ErrorName, ErrorTold, MethodName, Methods } from "./contract-types.ts";

/** A caught error of the contract: its data is what the schema made. */
export type ContractError<S, N extends string> = QuorateError<"REFUSED" | "REMOTE_FAILED"> & {
  readonly details: { readonly data: ErrorTold<S, N> };
};

/**
 * True if `error` is the contract's error `name` of `method`.
 *
 * @example
 * import { refuse } from "@quorate/core";
 * import { contract, failedWith } from "@quorate/rpc";
 * import { z } from "zod";
 * const Payments = contract("payments", "1.0.0", {
 *   charge: {
 *     input: z.int(),
 *     output: z.string(),
 *     errors: { CardDeclined: z.object({ by: z.string() }) },
 *   },
 * });
 * const error: unknown = refuse("CardDeclined", { by: "issuer" });
 * if (failedWith(Payments, "charge", error, "CardDeclined")) {
 *   console.log(error.details.data.by); // => issuer
 * }
 */
export function failedWith<
  M extends Methods,
  K extends MethodName<Contract<M>>,
  const N extends ErrorName<M[K]>,
>(contract: Contract<M>, method: K, error: unknown, name: N): error is ContractError<M[K], N> {
  if (isQuorateError(error, "REFUSED")) return error.details.reason === name;
  if (!isQuorateError(error, "REMOTE_FAILED")) return false;
  const { details } = error;
  return details.service === contract.name && details.method === method && details.error === name;
}
