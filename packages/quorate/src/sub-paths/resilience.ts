/** `quorate/resilience`: the whole of `@quorate/resilience`, whatever it comes to hold. */
export * from "@quorate/resilience";
