/** All of `@quorate/memory`. */
export * from "@quorate/memory";
