/** All of `@quorate/resilience`. */
export * from "@quorate/resilience";
