/** `quorate/clock`: the whole of `@quorate/clock`, whatever it comes to hold. */
export * from "@quorate/clock";
