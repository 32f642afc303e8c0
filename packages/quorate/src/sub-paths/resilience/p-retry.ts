/** All of `@quorate/resilience/p-retry`. */
export * from "@quorate/resilience/p-retry";
