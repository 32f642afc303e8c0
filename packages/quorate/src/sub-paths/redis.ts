/** `quorate/redis`: the whole of `@quorate/redis`, whatever it comes to hold. */
export * from "@quorate/redis";
