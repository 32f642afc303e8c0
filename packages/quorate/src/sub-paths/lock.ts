/** All of `@quorate/lock`. */
export * from "@quorate/lock";
