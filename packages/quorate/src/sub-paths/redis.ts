/** All of `@quorate/redis`. */
export * from "@quorate/redis";
