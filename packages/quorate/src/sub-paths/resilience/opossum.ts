/** All of `@quorate/resilience/opossum`. */
export * from "@quorate/resilience/opossum";
