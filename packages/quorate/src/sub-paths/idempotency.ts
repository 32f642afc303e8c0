/** `quorate/idempotency`: the whole of `@quorate/idempotency`, whatever it comes to hold. */
export * from "@quorate/idempotency";
