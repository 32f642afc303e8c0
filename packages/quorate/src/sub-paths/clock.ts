/** All of `@quorate/clock`. */
export * from "@quorate/clock";
