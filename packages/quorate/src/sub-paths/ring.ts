/** All of `@quorate/ring`. */
export * from "@quorate/ring";
