/** `quorate/lock`: the whole of `@quorate/lock`, whatever it comes to hold. */
export * from "@quorate/lock";
