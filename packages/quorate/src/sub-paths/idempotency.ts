/** All of `@quorate/idempotency`. */
export * from "@quorate/idempotency";
